"""How far maps moved: quartile boxes per attack, split by whether the decision flipped or stood."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from xaiaudit.reports.figures.style import INK, chart, looks
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
FEW = 8  # values or fewer are drawn one by one, for quartiles of so few say nothing


class Group(NamedTuple):
    """Values of one attack: per metric, images whose decision flipped and images whose decision stood."""

    attack: str
    flipped: dict[str, np.ndarray]
    stood: dict[str, np.ndarray]


def draw_shift(groups: Sequence[Group], metrics: Sequence[tuple[str, str]], path: Path) -> None:
    """One panel a metric, given as (column, words); two rows an attack: flipped above, stood below."""
    with chart(path, WIDTH_MM, 18 + 9 * len(groups)) as figure:
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, (metric, title) in zip(panels, metrics, strict=True):
            for row, (group, look) in enumerate(zip(groups, looks(len(groups)), strict=True)):
                draw_box(axes, group.flipped[metric], -row + 0.19, look.colour, filled=True)
                draw_box(axes, group.stood[metric], -row - 0.19, look.colour, filled=False)
            axes.set_title(title.replace(", ", ",\n"), loc="left")
            axes.grid(visible=False, axis="y")
        labels = [printable(group.attack) for group in groups]
        panels[0].set_yticks([-row for row in range(len(groups))], labels)
        panels[0].set_ylim(-len(groups) + 0.45, 0.55)
        panels[0].tick_params(axis="y", length=0)


def draw_box(axes: Axes, values: np.ndarray, y: float, colour: str, *, filled: bool) -> None:
    """Quartiles, median, whiskers from the 5th to the 95th percentile; open boxes are hatched for grey "
    "print."""
    values = values[~np.isnan(values)]
    if len(values) <= FEW:
        face = colour if filled else "white"
        axes.plot(
            values, np.full(len(values), y), "o", markersize=3, markerfacecolor=face, markeredgecolor=colour
        )
        return
    low, q1, middle, q3, high = np.percentile(values, [5, 25, 50, 75, 95])
    axes.plot([low, high], [y, y], color=colour, linewidth=0.9, zorder=2)
    axes.barh(
        y, q3 - q1, left=q1, height=0.27, edgecolor=colour, linewidth=0.9, zorder=3,
        facecolor=colour if filled else "white", hatch="" if filled else "////",
    )  # fmt: skip
    axes.plot(
        [middle, middle], [y - 0.17, y + 0.17], color="white" if filled else INK, linewidth=1.8, zorder=4
    )
    axes.plot([middle, middle], [y - 0.17, y + 0.17], color=INK, linewidth=0.9, zorder=5)
