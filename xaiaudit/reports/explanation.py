"""The picture that `xaiaudit explain` writes: the image, and the map over it with its scale and extremes."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xaiaudit.errors import DataError
from xaiaudit.metrics.grids import centres, upsample
from xaiaudit.records import Explanation
from xaiaudit.reports.figures.panels import sequential, signed

FEW = 64 * 64  # cells of a map that is drawn up to its largest value
WITHIN = 0.995  # of the others' magnitudes the colour scale reaches so far


def draw(explanation: Explanation, folder: Path, stem: str | None = None) -> Path:
    """Write <stem>-<explainer>.png into the folder; returns its path. `stem` None: the image's own.

    Raises:
        DataError: the folder cannot be written.
    """
    image = np.array(explanation.image, np.uint8)
    raw = np.array(explanation.map)
    over = upsample(raw[None], (image.shape[0], image.shape[1]))[0]
    clipped = raw.size > FEW  # a map of pixels has single ones that would hide all others
    high = float(np.quantile(np.abs(raw), WITHIN if clipped else 1.0)) or float(np.abs(raw).max()) or 1.0
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(image, cmap="gray", vmin=0, vmax=255)
    left.set_title(
        f"{explanation.decision}, probability of {explanation.positive} {explanation.probability:.3f}",
        parse_math=False,
    )
    right.imshow(image, cmap="gray", vmin=0, vmax=255)
    shown = right.imshow(
        over,
        cmap=signed() if explanation.signed else sequential(),
        vmin=-high if explanation.signed else 0.0,
        vmax=high,
        alpha=0.55,
    )
    figure.supxlabel(_mark(right, raw.shape, image.shape, explanation), fontsize="small")
    at = "" if explanation.layer == "image" else f" at {explanation.layer}"
    right.set_title(f"{explanation.explainer} of {explanation.target}{at}", parse_math=False)
    cut = f"; the largest {100 * (1 - WITHIN):.1f} % are cut off" if clipped else ""
    figure.colorbar(shown, ax=right, label=f"raw value, no unit{cut}")
    for axes in (left, right):
        axes.set_axis_off()
    path = folder / f"{stem or Path(explanation.file).stem}-{explanation.explainer}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}); name another folder with --out"
        ) from error
    return path


def _mark(axes: Axes, grid: tuple[int, ...], shape: tuple[int, ...], explanation: Explanation) -> str:
    """A cross at the maximum, a circle at the minimum of a signed map; returns what to say of them."""
    said = []
    for cell, marker, words in (
        (explanation.maximum_cell, "x", "cross: maximum"),
        (explanation.minimum_cell, "o", "circle: minimum"),
    ):
        if cell is not None:
            said.append(words)
            row, column = cell
            axes.plot(
                centres(grid[1], shape[1])[column] - 0.5,
                centres(grid[0], shape[0])[row] - 0.5,
                marker,
                color="white",
                markeredgecolor="white",
                markerfacecolor="none",
                markeredgewidth=2,
            )
    return ", ".join(said) or "undefined map: it has no extreme"
