"""Paired flips: of each attack, how many images flip in both audits, in the newer alone, and in the older alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.patches import Patch

from xaiaudit.reports.figures.style import INK, MUTED, chart, legend_above, percent_axis
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0


class FlipChange(NamedTuple):
    """Shares of the images, in [0, 1]."""

    attack: str
    both: float
    breakable: float
    mended: float


# Told apart by lightness and by hatching, so that grey print keeps them.
_PARTS = (
    ("both", "flips in both", "#6b7280", ""),
    ("breakable", "became breakable", "#c2492f", ""),
    ("mended", "was mended", "#ffffff", "////"),
)


def draw_flip_change(changes: Sequence[FlipChange], path: Path) -> None:
    """A bar an attack; what is left white flips in neither."""
    with chart(path, WIDTH_MM, 20 + 8 * len(changes)) as figure:
        axes = figure.subplots()
        for row, change in enumerate(changes):
            start = 0.0
            for key, _, face, hatch in _PARTS:
                width = 100 * getattr(change, key)
                if width:
                    axes.barh(
                        -row,
                        width,
                        left=start,
                        height=0.6,
                        facecolor=face,
                        edgecolor=INK,
                        hatch=hatch,
                        linewidth=0.6,
                    )
                start += width
            axes.plot([start, 100], [-row, -row], color=MUTED, linewidth=0.6)
        axes.set_yticks(
            [-row for row in range(len(changes))], [printable(change.attack) for change in changes]
        )
        axes.set_ylim(-len(changes) + 0.45, 0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        percent_axis(axes, "x")
        axes.set_xlim(0, 100)
        axes.set_xlabel("Images, %")
        handles = [
            Patch(facecolor=face, edgecolor=INK, hatch=hatch, linewidth=0.6) for _, _, face, hatch in _PARTS
        ]
        legend_above(figure, handles, [words for _, words, _, _ in _PARTS], len(_PARTS))
