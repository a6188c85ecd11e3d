"""Attacks beside a second sweep of the probe: how far maps moved, and what the sweep does to an image."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xaiaudit.reports.figures.shift import draw_box
from xaiaudit.reports.figures.style import MUTED, chart, looks
from xaiaudit.reports.format import printable
from xaiaudit.types import GreyImage

WIDTH_MM = 170.0
ABREAST = 5  # pictures in a row


class Moved(NamedTuple):
    """Values of one attack or sweep, by metric."""

    name: str
    values: dict[str, np.ndarray]
    natural: bool


def draw_variability(groups: Sequence[Moved], metrics: Sequence[tuple[str, str]], path: Path) -> None:
    """One panel a metric, given as (column, words); one row a group: attacks filled, sweeps hatched in grey."""
    colours = iter(looks(len(groups)))
    with chart(path, WIDTH_MM, 18 + 6 * len(groups)) as figure:
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        shades = [MUTED if group.natural else next(colours).colour for group in groups]
        for axes, (metric, title) in zip(panels, metrics, strict=True):
            for row, (group, shade) in enumerate(zip(groups, shades, strict=True)):
                draw_box(axes, group.values[metric], -row, shade, filled=not group.natural)
            axes.set_title(title.replace(", ", ",\n"), loc="left")
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(
            [-row for row in range(len(groups))], [printable(group.name) for group in groups]
        )
        panels[0].set_ylim(-len(groups) + 0.45, 0.55)
        panels[0].tick_params(axis="y", length=0)


def draw_sweeps(pictures: Sequence[tuple[str, GreyImage]], path: Path) -> None:
    """Pictures with their names above them, five in a row."""
    rows = -(-len(pictures) // ABREAST)
    height, width = pictures[0][1].shape
    with chart(path, WIDTH_MM, rows * (WIDTH_MM / ABREAST * height / width + 7)) as figure:
        panels = figure.subplots(rows, ABREAST, squeeze=False).ravel()
        for axes in panels:
            axes.axis("off")
        for axes, (name, image) in zip(panels, pictures, strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(printable(name), loc="left")
