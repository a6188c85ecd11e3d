"""Deletion and insertion curves, and how maps part from the trained model's as its weights are drawn anew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from xaiaudit.faithfulness_record import ExplainerRecord, RandomisationRecord
from xaiaudit.reports.figures.style import (
    MUTED,
    Look,
    chart,
    legend_above,
    legend_columns,
    looks,
    percent_axis,
)
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
RANDOM = Look(MUTED, "", (0, (1, 1.5)))  # of maps that know nothing


def looks_of(explainers: Sequence[ExplainerRecord]) -> list[Look]:
    """One each; random maps are grey and dotted."""
    named = iter(looks(len(explainers)))
    return [next(named) if item.control else RANDOM for item in explainers]


def draw_pixel_curves(explainers: Sequence[ExplainerRecord], path: Path) -> None:
    """Mean probability of the class explained against the share of pixels, deletion left, insertion right."""
    with chart(path, WIDTH_MM, 72) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, way in zip(panels, ("deletion", "insertion"), strict=True):
            for item, look in zip(explainers, looks_of(explainers), strict=True):
                curve = [np.nan if value is None else value for value in getattr(item, way)]
                axes.plot(
                    np.linspace(0, 100, len(curve)), curve, color=look.colour, linestyle=look.dash,
                    marker=look.marker, markevery=4, markersize=3.5, label=printable(item.id),
                )  # fmt: skip
            axes.set_title(way, loc="left")
            axes.set_xlabel("Pixels deleted, %" if way == "deletion" else "Pixels inserted, %")
            percent_axis(axes, "x")
            axes.set_ylim(-0.03, 1.03)
        panels[0].set_ylabel("Mean probability of the class explained")
        handles, labels = panels[0].get_legend_handles_labels()
        legend_above(figure, handles, labels, legend_columns(labels, WIDTH_MM))


def draw_randomisation(explainers: Sequence[ExplainerRecord], path: Path) -> None:
    """Mean Spearman of each step, cascading left and independent right; horizontal: maps of different images."""
    tested = [item for item in explainers if item.randomisation]
    with chart(path, WIDTH_MM, 76) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for item, look in zip(tested, looks(len(tested)), strict=True):
            for axes, record in zip(panels, item.randomisation, strict=True):
                _steps(axes, record, look, printable(item.id))
                between = item.between_images["spearman"].estimate
                if between is not None:
                    axes.axhline(between, color=look.colour, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        for axes, record in zip(panels, tested[0].randomisation, strict=True):
            axes.set_title(record.way, loc="left")
            axes.axhline(0, color=MUTED, linewidth=0.6, zorder=0)
            blocks = list(range(1, len(record.steps) + 1))
            if record.way == "cascading":
                axes.set_xticks([0, *blocks], ["trained", *map(str, blocks)])
                axes.set_xlabel("Blocks drawn anew, from the logits down")
            else:
                axes.set_xticks(blocks)
                axes.set_xlabel("Block drawn anew, all others trained")
        panels[0].set_ylabel("Spearman's ρ with the trained model's map")
        handles, labels = panels[0].get_legend_handles_labels()
        legend_above(figure, handles, labels, legend_columns(labels, WIDTH_MM))


def _steps(axes: Axes, record: RandomisationRecord, look: Look, label: str) -> None:
    """A cascade is a line from the trained model on; independent blocks do not follow one another."""
    rho, low, high = (
        [_number(getattr(step.spearman, bound)) for step in record.steps]
        for bound in ("estimate", "low", "high")
    )
    places = np.arange(1, len(rho) + 1)
    if record.way == "cascading":
        axes.fill_between(places, low, high, color=look.colour, alpha=0.13, linewidth=0)
        axes.plot(
            [0, *places], [1.0, *rho], color=look.colour, linestyle=look.dash, marker=look.marker, label=label
        )
    else:
        axes.vlines(places, low, high, color=look.colour, linewidth=1)
        axes.plot(places, rho, look.marker, color=look.colour)


def _number(value: float | None) -> float:
    return np.nan if value is None else value
