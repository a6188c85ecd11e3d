"""Flip rate against radius, as computed and after rounding to 8 bits; and the smallest radii that flip."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from xaiaudit.records import AttackRecord, Interval
from xaiaudit.reports.figures.style import (
    INK,
    LEGEND_MM,
    MUTED,
    Look,
    chart,
    grey_level_axis,
    legend_above,
    legend_columns,
    looks,
    percent_axis,
)
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
BANDS = 3  # attacks whose intervals can be told apart in one picture


def draw_curves(attacks: Sequence[AttackRecord], path: Path) -> None:
    """Attacks of one norm that have a curve. The x axis is in grey levels, for L2 in [0, 1] intensities."""
    scale = 255.0 if attacks[0].norm == "linf" else 1.0
    labels = [printable(attack.id) for attack in attacks]
    columns = legend_columns(labels, WIDTH_MM)
    with chart(path, WIDTH_MM, 74 + LEGEND_MM * -(-len(labels) // columns)) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        for attack, look in zip(attacks, looks(len(attacks)), strict=True):
            curve = sorted(attack.curve, key=lambda point: point.epsilon)
            radii = [scale * point.epsilon for point in curve]
            _line(left, radii, [p.reached for p in curve], look, attack.id, band=len(attacks) <= BANDS)
            _line(
                right,
                radii,
                [p.reached_quantised for p in curve],
                look,
                attack.id,
                band=len(attacks) <= BANDS,
            )
        every = sorted({scale * point.epsilon for attack in attacks for point in attack.curve})
        for axes, title in ((left, "as computed"), (right, "after rounding to 8 bits")):
            axes.set_title(title, loc="left")
            axes.axhline(50, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
            _radius_axis(axes, attacks[0].norm, every)
            percent_axis(axes)
        usual = all(attack.after_a_flip for attack in attacks)
        left.set_ylabel("Decisions flipped, %" if usual else "Goal reached, % of images")
        legend_above(figure, left.get_legend_handles_labels()[0], labels, columns)


def _radius_axis(axes: Axes, norm: str, radii: Sequence[float]) -> None:
    if norm == "linf":
        grey_level_axis(axes, radii[0] / 1.25, radii[-1] * 1.25)
        axes.set_xlabel("Radius (L∞), grey levels")
    else:
        axes.set_xscale("log")
        axes.set_xticks(radii, [f"{radius:g}" for radius in radii])
        axes.minorticks_off()
        axes.set_xlabel("Radius (L2), intensities in [0, 1]")


def _line(
    axes: Axes, radii: list[float], rates: Sequence[Interval], look: Look, label: str, *, band: bool
) -> None:
    def column(name: str) -> list[float]:
        values = [getattr(rate, name) for rate in rates]
        return [np.nan if value is None else 100 * value for value in values]

    if band:
        axes.fill_between(radii, column("low"), column("high"), color=look.colour, alpha=0.13, linewidth=0)
        for bound in ("low", "high"):  # the band's edges, so that it is seen in print
            axes.plot(radii, column(bound), color=look.colour, linewidth=0.4, alpha=0.6)
    axes.plot(
        radii, column("estimate"), color=look.colour, linestyle=look.dash, marker=look.marker,
        label=printable(label), clip_on=False, zorder=3,
    )  # fmt: skip


def draw_smallest(
    radii: Mapping[str, np.ndarray], images: Mapping[str, int], path: Path, *, usual: bool = True
) -> None:
    """Share of images that reach the goal by a change no larger than x in any pixel, per attack.

    `radii` hold the smallest such change of each image that reached it in grey levels, `images` how many images
    were attacked. `usual`: the goal of all is a flip.
    """
    every = np.concatenate(list(radii.values()))
    low, high = max(every.min(), 1e-3) / 1.4, every.max() * 1.4
    labels = [printable(name) for name in radii]
    columns = legend_columns(labels, WIDTH_MM)
    with chart(path, WIDTH_MM, 62 + LEGEND_MM * -(-len(labels) // columns)) as figure:
        axes = figure.subplots()
        for (name, values), look in zip(radii.items(), looks(len(radii)), strict=True):
            ordered = np.sort(values)
            share = 100 * np.arange(1, len(ordered) + 1) / images[name]
            ends = {"color": look.colour, "linestyle": look.dash, "marker": look.marker}
            axes.step([low, *ordered, high], [0, *share, share[-1]], where="post", **ends | {"marker": ""})
            axes.plot([], [], label=printable(name), **ends)
            axes.plot([np.median(ordered)], [share[-1] / 2], markersize=5.5, markeredgecolor=INK,
                      markeredgewidth=0.5, zorder=4, **ends)  # fmt: skip
        grey_level_axis(axes, low, high)
        percent_axis(axes)
        does = "flips" if usual else "reaches the goal"
        axes.set_xlabel(f"Largest change of any pixel at the smallest radius that {does}, grey levels")
        axes.set_ylabel("Images flipped, %" if usual else "Goal reached, % of images")
        legend_above(figure, axes.get_legend_handles_labels()[0], labels, columns)
