"""Forest plots: one panel a measure, one row a configuration, the reference as a line."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xaiaudit.records import Interval
from xaiaudit.reports.figures.style import MUTED, chart, looks
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
ABREAST, ROWS = 3, 24  # panels side by side, and rows in one picture


class Panel(NamedTuple):
    """One measure; an interval a configuration, None where it has none."""

    title: str
    intervals: Sequence[Interval | None]
    scale: float  # 100 for per cent


def draw_forest(names: Sequence[str], panels: Sequence[Panel], reference: int | None, path: Path) -> None:
    """Estimates with 95 % intervals; the reference has a filled diamond, and a dotted line through its estimate.

    Args:
        names: of the configurations, top down.
        panels: at most `ABREAST`.
        reference: its row; None: it is not among these.
    """
    labels = ["\n".join(textwrap.wrap(printable(name), 32)) for name in names]
    pitch = 4.2 + 3.4 * max(label.count("\n") for label in labels)  # mm a row, all alike
    with chart(path, WIDTH_MM, 17 + pitch * len(names)) as figure:
        axes_of = figure.subplots(1, ABREAST, sharey=True, squeeze=False)[0]
        for axes in axes_of[len(panels) :]:
            axes.set_visible(False)
        for axes, panel in zip(axes_of, panels, strict=False):
            for row, interval in enumerate(panel.intervals):
                if interval is None or interval.estimate is None:
                    continue
                own = row == reference
                look = looks(2)[0 if own else 1]
                at = panel.scale * interval.estimate
                if interval.low is not None and interval.high is not None:
                    low, high = panel.scale * interval.low, panel.scale * interval.high
                    axes.plot([low, high], [-row, -row], color=look.colour, linewidth=1.2)
                axes.plot([at], [-row], marker="D" if own else "o", color=look.colour, markersize=4.5)
                if own:
                    axes.axvline(at, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
            axes.set_title(panel.title, loc="left")
            axes.grid(visible=False, axis="y")
            axes.tick_params(axis="y", length=0)
        axes_of[0].set_yticks(
            [-row for row in range(len(names))], labels, linespacing=0.95, multialignment="right"
        )
        axes_of[0].tick_params(axis="y", pad=6)  # the PDF's font is a little wider than the one measured here
        axes_of[0].set_ylim(-len(names) + 0.4, 0.6)
