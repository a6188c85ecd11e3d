"""Dice before and after each attack, image by image, with the mean and its interval."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from xaiaudit.records import Interval
from xaiaudit.reports.figures.style import INK, RULE, chart, looks
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
ABREAST = 4
STATES = ("clean", "attacked", "rounded")


class Pairs(NamedTuple):
    """Dice of the same images in each of `STATES`, (n, 3), and the mean of each state."""

    attack: str
    scores: np.ndarray
    means: tuple[Interval | None, ...]


def draw_pairs(groups: Sequence[Pairs], path: Path) -> None:
    """One panel an attack; a thin line an image, and the mean with its 95 % interval in ink."""
    across = min(max(len(groups), 2), ABREAST)
    rows = -(-len(groups) // across)
    with chart(path, WIDTH_MM, 8 + 46 * rows) as figure:
        panels = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, group, look in zip(panels, groups, looks(len(groups)), strict=False):
            _panel(axes, group, look.colour)
        for axes in panels[len(groups) :]:
            axes.set_visible(False)
        for axes in panels[::across]:
            axes.set_ylabel("Dice with the outlined lesion")


def _panel(axes: Axes, group: Pairs, colour: str) -> None:
    places = np.arange(len(STATES), dtype=float)
    known = group.scores[np.isfinite(group.scores).all(1)]
    lines = [np.column_stack([places, row]) for row in known]
    axes.add_collection(LineCollection(lines, colors=RULE, linewidths=0.5, zorder=1))
    for place, column in zip(places, known.T, strict=True):
        axes.plot(np.full(len(column), place), column, "o", color=colour, markersize=1.8, zorder=2)
    for place, mean in zip(places, group.means, strict=True):
        if mean is None or mean.estimate is None:
            continue
        if mean.low is not None and mean.high is not None:
            axes.plot([place + 0.14] * 2, [mean.low, mean.high], color=INK, linewidth=1.4, zorder=4)
        axes.plot([place + 0.14], [mean.estimate], "D", color=INK, markersize=4, zorder=5)
    axes.set_title(printable(group.attack), loc="left")
    axes.set_xlim(-0.25, len(STATES) - 0.6)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks(places, STATES)
    axes.grid(visible=False, axis="x")
