"""FROC curves before and after attacks: one panel a goal, the clean curve in each."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from xaiaudit.records import DetectionRecord, FrocPoint
from xaiaudit.reports.figures.style import INK, Look, chart, looks, percent_axis
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
ABREAST = 2
MOST = 4.0  # false marks an image on the axis, unless an operating point lies beyond
CHARACTERS = 18  # of a line of the legend
CURVES = 5  # attacks that one panel can tell apart
CLEAN = Look(INK, "o", "solid")


class Panel(NamedTuple):
    """Attacks with one goal, at most `CURVES`, by id."""

    title: str
    attacks: Sequence[tuple[str, DetectionRecord]]


def draw_froc(clean: DetectionRecord, panels: Sequence[Panel], path: Path) -> None:
    """A curve ends where the detector's boxes do; its marker stands at the score from which a box counts."""
    every = [clean, *(record for panel in panels for _, record in panel.attacks)]
    most = float(ceil(max(MOST, *(record.false_marks or 0.0 for record in every))))
    rows = -(-len(panels) // ABREAST)
    with chart(path, WIDTH_MM, 10 + 43 * rows) as figure:
        every_axes = figure.subplots(rows, ABREAST, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, panel in zip(every_axes, panels, strict=False):
            _curve(axes, "clean", clean, CLEAN)
            for (name, record), look in zip(panel.attacks, looks(CURVES + 1)[1:], strict=False):
                _curve(axes, name, record, look)
            axes.set_title(panel.title, loc="left")
            axes.set_xlim(-0.03 * most, 1.03 * most)
            percent_axis(axes)
            axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0, handlelength=3.4)
        for axes in every_axes[len(panels) :]:
            axes.set_visible(False)
        for axes in every_axes[max(len(panels) - ABREAST, 0) : len(panels)]:
            axes.tick_params(labelbottom=True)  # the last of its column
        for axes in every_axes[::ABREAST]:
            axes.set_ylabel("Lesions found, %")
        figure.supxlabel("False marks an image", fontsize=8.5)


def _curve(axes: Axes, name: str, record: DetectionRecord, look: Look) -> None:
    """No point is interpolated: between two scores the share is that of the higher score."""
    points = corners(record.froc)
    false = [point.false_marks for point in points]
    found = [100 * point.share for point in points]
    axes.step(false, found, where="post", color=look.colour, linestyle=look.dash, zorder=3)
    ends: dict[str, Any] = {
        "color": look.colour,
        "marker": look.marker,
        "markeredgecolor": "white",
        "markersize": 6,
    }
    if record.found is not None and record.found.estimate is not None and record.false_marks is not None:
        at = [record.false_marks], [100 * record.found.estimate]
        axes.plot(*at, linestyle="none", zorder=5, clip_on=False, markeredgewidth=0.6, **ends)
    label = fill(printable(name), CHARACTERS)
    axes.plot([], [], linestyle=look.dash, markeredgewidth=0.6, label=label, **ends)


def corners(points: Sequence[FrocPoint]) -> list[FrocPoint]:
    """Those at which the share rises, and both ends: the same steps, of a curve with thousands of points too."""
    ends = points[:1], points[-1:]
    rising = [
        after for before, after in pairwise(points) if after.share > before.share and after is not points[-1]
    ]
    return [*ends[0], *rising, *ends[1]] if len(points) > 1 else list(points)
