"""The pointing game before and after each attack, beside what chance would give."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from xaiaudit.records import Interval, MapRecord, PointingRecord
from xaiaudit.reports.figures.style import (
    INK,
    LEGEND_MM,
    MUTED,
    chart,
    legend_above,
    legend_columns,
    looks,
    percent_axis,
)
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0


def draw_pointing(maps: Sequence[MapRecord], path: Path) -> None:
    """Records of one explainer, one an attack, in the order of the attacks; the maximum only."""
    first = [record for record in maps[0].pointing if record.extreme == "maximum"]
    step = 0.8 / (len(maps) + 1)
    marks = _legend(maps)
    labels = [str(mark.get_label()) for mark in marks]
    columns = legend_columns(labels, WIDTH_MM)
    above = LEGEND_MM * -(-len(labels) // columns)
    with chart(path, WIDTH_MM, 12 + above + len(first) * (3 + 2.6 * (len(maps) + 1))) as figure:
        axes = figure.subplots()
        for row, before in enumerate(first):
            _chance(axes, before, -row)
            _point(axes, before.before, -row + 0.4 - step / 2, INK, "D")
            for index, (record, look) in enumerate(zip(maps, looks(len(maps)), strict=True)):
                after = next(
                    p for p in record.pointing if p.extreme == "maximum" and p.region == before.region
                )
                _point(axes, after.after, -row + 0.4 - step * (index + 1.5), look.colour, look.marker)
        axes.set_yticks(
            [-row for row in range(len(first))], [region_words(p.region).replace(", ", ",\n") for p in first]
        )
        axes.set_ylim(-len(first) + 0.45, 0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for row in range(1, len(first)):
            axes.axhline(-row + 0.5, color="#d5d9df", linewidth=0.5)
        percent_axis(axes, "x")
        axes.set_xlabel(
            "Maps whose maximum lies in the region, % of images with a lesion and a defined clean map"
        )
        legend_above(figure, marks, labels, columns)


def region_words(region: str) -> str:
    return "lesion, ring or posterior" if region == "any" else region


def _point(axes: Axes, rate: Interval, y: float, colour: str, marker: str) -> None:
    if rate.estimate is None:
        return
    if rate.low is not None and rate.high is not None:
        axes.plot([100 * rate.low, 100 * rate.high], [y, y], color=colour, linewidth=1, zorder=2)
    axes.plot([100 * rate.estimate], [y], marker, color=colour, markersize=4.5, clip_on=False, zorder=3)


def _chance(axes: Axes, record: PointingRecord, y: float) -> None:
    for chance, dash in ((record.chance_uniform, "solid"), (record.chance_shuffled, (0, (1.5, 1.2)))):
        if chance is not None:
            axes.plot(
                [100 * chance] * 2, [y - 0.42, y + 0.42], color=MUTED, linewidth=1.1, linestyle=dash, zorder=1
            )


def _legend(maps: Sequence[MapRecord]) -> list[Line2D]:
    marks = [Line2D([], [], color=INK, marker="D", linestyle="none", label="before")]
    marks += [
        Line2D(
            [],
            [],
            color=look.colour,
            marker=look.marker,
            linestyle="none",
            label=f"after {printable(m.attack_id)}",
        )
        for m, look in zip(maps, looks(len(maps)), strict=True)
    ]
    marks.append(Line2D([], [], color=MUTED, linewidth=1.1, label="chance, uniform point"))
    marks.append(
        Line2D([], [], color=MUTED, linewidth=1.1, linestyle=(0, (1.5, 1.2)), label="chance, shuffled maps")
    )
    return marks
