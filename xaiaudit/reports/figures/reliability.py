"""The reliability curve: what was said of images, and what they were."""

from pathlib import Path

from xaiaudit.records import ReliabilityBin, ReliabilityRecord
from xaiaudit.reports.figures.style import MUTED, chart, looks, percent_axis
from xaiaudit.reports.format import printable

SIDE_MM = 72.0


def draw_reliability(reliability: ReliabilityRecord, positive: str, path: Path) -> None:
    """A point for each bin, with the 95 % interval of its share."""
    colour, name = looks(1)[0].colour, printable(positive)
    given = [100 * group.mean_probability for group in reliability.bins]
    shares, lows, highs = zip(*(_hundred(group) for group in reliability.bins), strict=True)
    with chart(path, SIDE_MM, SIDE_MM) as figure:
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)))
        axes.vlines(given, lows, highs, color=colour, linewidth=0.8, zorder=3)
        axes.plot(given, shares, "o-", color=colour, linewidth=0.9, clip_on=False, zorder=4)
        axes.set_xlabel(f"Probability of {name} given, %")
        axes.set_ylabel(f"Labelled {name}, %")
        percent_axis(axes, "x")
        percent_axis(axes, "y")
        axes.set_aspect("equal")


def _hundred(group: ReliabilityBin) -> tuple[float, float, float]:
    found = group.positive_share
    share, low, high = (
        float("nan") if value is None else 100 * value for value in (found.estimate, found.low, found.high)
    )
    return share, low, high
