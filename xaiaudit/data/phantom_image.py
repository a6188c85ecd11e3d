"""One simulated breast-ultrasound image whose lesion, spacing and telling features are known exactly."""

from dataclasses import asdict, dataclass, field

import numpy as np
from scipy import fft

from xaiaudit.data.phantom_features import Label, PhantomFeatures
from xaiaudit.data.phantom_lesion import place
from xaiaudit.data.phantom_scanner import Scanner, scan
from xaiaudit.data.phantom_tissue import Grid, breast
from xaiaudit.data.reading import pixel_hash
from xaiaudit.types import BoxArray, Mask, Sample, Spacing

MARGIN_MM = 1.5  # simulated beyond the sides and the bottom, then cut off: there a blur would see an edge


@dataclass(frozen=True, kw_only=True)
class PhantomSpec:
    """The field of view and what scans it. Raises ValueError for a field of view without room."""

    shape: tuple[int, int] = (224, 224)  # pixels: depth, width
    extent_mm: tuple[float, float] = (40.0, 40.0)  # depth, width
    scanner: Scanner = field(default_factory=Scanner)

    def __post_init__(self) -> None:
        if min(self.shape) < 16 or min(self.extent_mm) < 10:
            raise ValueError(
                "a phantom is at least 16 pixels and 10 mm deep and wide, "
                f"got {self.shape} pixels and {self.extent_mm} mm"
            )

    @property
    def spacing(self) -> Spacing:
        return self.extent_mm[0] / self.shape[0], self.extent_mm[1] / self.shape[1]


def phantom(
    features: PhantomFeatures,
    rng: np.random.Generator,
    *,
    spec: PhantomSpec | None = None,
    label: Label | None = None,
    file: str = "phantom.png",
    case: str | None = None,
) -> Sample:
    """A B-mode image of a breast with this lesion, its mask, its box and its spacing.

    The same stream of random numbers with other features shows the same breast and speckle with another
    lesion. The features are the sample's attributes.
    """
    spec = spec or PhantomSpec()
    grid, seen = _grid(spec)
    tissue, lesion = place(breast(grid, rng), grid, features, rng)
    image = np.ascontiguousarray(scan(spec.scanner, tissue, grid, rng)[seen])
    mask = np.ascontiguousarray(lesion[seen])
    return Sample(
        image=image,
        label=label,
        mask=mask,
        case=case,
        file=file,
        dataset="phantoms",
        sha256=pixel_hash(image),
        source_shape=spec.shape,
        spacing=spec.spacing,
        boxes=_boxes(mask),
        attributes=attributes(features),
    )


def attributes(features: PhantomFeatures) -> dict[str, str]:
    """The features as a table holds them."""
    return {name: f"{value:.4f}" for name, value in asdict(features).items()}


def _grid(spec: PhantomSpec) -> tuple[Grid, tuple[slice, slice]]:
    """The grid of the simulation and the part of it that the image shows."""
    (rows, columns), (height, width) = spec.shape, spec.spacing
    aside = int(np.ceil(MARGIN_MM / width))
    simulated = fft.next_fast_len(columns + 2 * aside)
    grid = Grid(
        depth=((np.arange(rows + int(np.ceil(MARGIN_MM / height))) + 0.5) * height).astype(np.float32),
        across=((np.arange(simulated) - aside + 0.5) * width).astype(np.float32),
        extent_mm=spec.extent_mm,
    )
    return grid, (slice(rows), slice(aside, aside + columns))


def _boxes(mask: Mask) -> BoxArray:
    """Around the whole lesion, (1, 4), half-open; (0, 4) where the field of view shows none of it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.zeros((0, 4), np.float32)
    return np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], np.float32)
