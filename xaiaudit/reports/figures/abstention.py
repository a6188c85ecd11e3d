"""Risk against coverage, one panel for clean images and one for each attack."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from xaiaudit.records import AbstentionRecord, Interval, RiskCoverage
from xaiaudit.reports.figures.style import INK, MUTED, chart, looks, percent_axis
from xaiaudit.reports.format import printable

WIDTH_MM = 170.0
ABREAST = 4
CHARACTERS = 22  # of a title over a quarter of the width
RULE: dict[str, Any] = {
    "marker": "o",
    "color": INK,
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
    "markersize": 6,
}


def draw_abstention(records: Sequence[AbstentionRecord], path: Path) -> None:
    """Records of one explainer and one kind of regions."""
    across = min(len(records), ABREAST)
    rows = -(-len(records) // ABREAST)
    with chart(path, WIDTH_MM, 14 + 38 * rows) as figure:
        panels = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, record in zip(panels, records, strict=False):
            _panel(axes, record)
        for axes in panels[len(records) :]:
            axes.set_visible(False)
        for axes in panels[max(len(records) - across, 0) : len(records)]:
            axes.tick_params(labelbottom=True)  # the last of its column
        for axes in panels[::across]:
            axes.set_ylabel("Risk: wrong among kept, %")
        figure.supxlabel("Coverage: decisions kept, %", fontsize=8.5)
        energy, confidence = looks(2)
        figure.legend(
            handles=[
                Line2D(
                    [],
                    [],
                    color=energy.colour,
                    linestyle=energy.dash,
                    label="by energy share inside the regions",
                ),
                Line2D([], [], color=confidence.colour, linestyle=confidence.dash, label="by confidence"),
                Line2D([], [], linestyle="none", label="the rule", **RULE),
                Line2D([], [], color=MUTED, linewidth=0.7, label="risk of all"),
            ],
            loc="outside upper left",
            ncols=4,
        )


def _panel(axes: Axes, record: AbstentionRecord) -> None:
    for curve, look in zip((record.energy, record.confidence), looks(2), strict=True):
        _curve(axes, curve, look.colour, look.dash)
    if record.risk_all.estimate is not None:
        axes.axhline(100 * record.risk_all.estimate, color=MUTED, linewidth=0.7, zorder=1)
    _rule(axes, record.coverage, record.risk_kept)
    after = "clean" if record.attack_id == "none" else f"after {printable(record.attack_id)}"
    axes.set_title(fill(after, CHARACTERS), loc="left")
    percent_axis(axes, "x")
    percent_axis(axes, "y")


def _curve(axes: Axes, curve: RiskCoverage, colour: str, dash: str) -> None:
    axes.plot(
        [100 * share for share in curve.coverage],
        [100 * risk for risk in curve.risk],
        color=colour, linestyle=dash, zorder=3,
    )  # fmt: skip


def _rule(axes: Axes, coverage: Interval, risk: Interval) -> None:
    if coverage.estimate is None or risk.estimate is None:
        return
    x, y = 100 * coverage.estimate, 100 * risk.estimate
    if coverage.low is not None and coverage.high is not None:
        axes.plot([100 * coverage.low, 100 * coverage.high], [y, y], color=INK, linewidth=0.8, zorder=4)
    if risk.low is not None and risk.high is not None:
        axes.plot([x, x], [100 * risk.low, 100 * risk.high], color=INK, linewidth=0.8, zorder=4)
    axes.plot([x], [y], linestyle="none", zorder=5, **RULE)
