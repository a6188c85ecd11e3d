"""The pointing game before and after each attack, beside what chance would give."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from xaiaudit.records import Interval, MapRecord, PointingRecord
from xaiaudit.reports.figures.style import (
    INK,
    MUTED,
    chart,
    legend_above,
    looks,
    percent_axis,
)
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
SHUFFLED = (0, (1.5, 1.2))


def draw_pointing(maps: Sequence[MapRecord], path: Path) -> None:
    """Records of one explainer, one an attack, in the order of the attacks; the maximum only.

    One panel a region; a row for the clean images and one for each attack.
    """
    first = [record for record in maps[0].pointing if record.extreme == "maximum"]
    with chart(path, WIDTH_MM, 26 + 5 * (len(maps) + 1)) as figure:
        panels = figure.subplots(1, len(first), sharey=True, squeeze=False)[0]
        for axes, before in zip(panels, first, strict=True):
            _chance(axes, before)
            _point(axes, before.before, 0, INK, "D")
            for row, (record, look) in enumerate(zip(maps, looks(len(maps)), strict=True), 1):
                (after,) = (
                    p for p in record.pointing if p.extreme == "maximum" and p.region == before.region
                )
                _point(axes, after.after, -row, look.colour, look.marker)
            axes.set_title(region_words(before.region).replace(", ", ",\n"), loc="left")
            axes.grid(visible=False, axis="y")
            percent_axis(axes, "x")
            axes.set_xticks([0, 50, 100])
        names = ["before", *(f"after {printable(record.attack_id)}" for record in maps)]
        panels[0].set_yticks([-row for row in range(len(names))], names)
        panels[0].set_ylim(-len(names) + 0.4, 0.6)
        panels[0].tick_params(axis="y", length=0)
        figure.supxlabel(
            "Maps whose maximum lies in the region, % of images with a lesion and a defined clean map",
            fontsize=8.5,
        )
        marks = [
            Line2D([], [], color=MUTED, linewidth=1.1, label="chance, uniform point"),
            Line2D([], [], color=MUTED, linewidth=1.1, linestyle=SHUFFLED, label="chance, shuffled maps"),
        ]
        legend_above(figure, marks, [str(mark.get_label()) for mark in marks], 2)


def region_words(region: str) -> str:
    return "lesion, ring or posterior" if region == "any" else region


def _point(axes: Axes, rate: Interval, y: float, colour: str, marker: str) -> None:
    if rate.estimate is None:
        return
    if rate.low is not None and rate.high is not None:
        axes.plot([100 * rate.low, 100 * rate.high], [y, y], color=colour, linewidth=1, zorder=2)
    axes.plot([100 * rate.estimate], [y], marker, color=colour, markersize=4.5, clip_on=False, zorder=3)


def _chance(axes: Axes, record: PointingRecord) -> None:
    for chance, dash in ((record.chance_uniform, "solid"), (record.chance_shuffled, SHUFFLED)):
        if chance is not None:
            axes.axvline(100 * chance, color=MUTED, linewidth=1.1, linestyle=dash, zorder=1)
