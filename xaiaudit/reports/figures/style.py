"""How every chart of a report looks: one face, a palette that survives grey print, nothing that is not data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

MM = 1 / 25.4  # inches
INK, MUTED, RULE = "#1c1f26", "#5b6270", "#c3c8d0"
LEVELS = (0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8, 25.5)

# Charts are laid out with matplotlib's own Times-like face and set in the report's, which is as wide.
MEASURED, SET = "STIXGeneral", "Libertinus Serif"

LEGEND = {"columnspacing": 1.4, "handletextpad": 0.5, "handlelength": 2.6}  # in font sizes
LEGEND_MM = 4.5  # height of one of its lines

_STYLE: dict[str, Any] = {
    "font.family": MEASURED,
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,
    "svg.fonttype": "none",  # text stays text, and typst sets it
    "svg.hashsalt": "xaiaudit",
}


class Look(NamedTuple):
    """Colour, marker and dash of one attack; any one of the three tells it apart."""

    colour: str
    marker: str
    dash: Any


_LOOKS = (
    Look("#1f3a5f", "o", "solid"),
    Look("#c2492f", "s", (0, (5, 1.6))),
    Look("#3fa798", "^", (0, (1.2, 1.2))),
    Look("#dcae3c", "D", (0, (6, 1.5, 1.2, 1.5))),
    Look("#77518f", "v", (0, (3, 1, 1, 1, 1, 1))),
    Look("#6b7280", "P", (0, (8, 3))),
)


def looks(n: int) -> list[Look]:
    return list(islice(cycle(_LOOKS), n))


@contextmanager
def chart(path: Path, width_mm: float, height_mm: float) -> Iterator[Figure]:
    """An empty figure that is saved to `path` as SVG when the block ends."""
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE, "backend": "svg"}):
        figure = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        yield figure
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set(facecolor="none", edgecolor="none")
        canvas.print_svg(path, metadata={"Date": None, "Creator": None})  # savefig would draw it twice
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"'{MEASURED}'", f"'{SET}'"), encoding="utf-8")


def legend_columns(labels: Sequence[str], width_mm: float) -> int:
    """Most columns of a legend above a chart, set as `LEGEND` says, that stay within the chart's width."""
    measure, font = TextToPath(), FontProperties(family=MEASURED, size=_STYLE["legend.fontsize"])
    beside = sum(LEGEND.values()) * _STYLE["legend.fontsize"]  # of a column, beside its words, points
    widths = [
        measure.get_text_width_height_descent(label, font, ismath=False)[0] + beside for label in labels
    ]
    for columns in range(len(labels), 1, -1):
        if sum(max(part) for part in np.array_split(widths, columns)) <= width_mm * 72 * MM:
            return columns
    return 1


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str], columns: int) -> None:
    """Never over the data."""
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, **LEGEND)


def grey_level_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic x axis whose ticks are the radii that audits use."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [level for level in LEVELS if low <= level <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def percent_axis(axes: Axes, which: str = "y") -> None:
    (axes.set_ylim if which == "y" else axes.set_xlim)(-3, 103)
    (axes.set_yticks if which == "y" else axes.set_xticks)([0, 25, 50, 75, 100])
