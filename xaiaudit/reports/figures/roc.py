"""The ROC of clean images with the operating point."""

from pathlib import Path

from xaiaudit.records import CleanRecord, Interval
from xaiaudit.reports.figures.style import INK, MUTED, chart, looks, percent_axis

SIDE_MM = 72.0


def draw_roc(clean: CleanRecord, path: Path) -> tuple[float, float]:
    """Draw it; returns false and true positive rate of the decisions.

    With more than two classes the largest logit decides, so that this point need not lie on the curve.
    """
    false = [point.false_positive_rate for point in clean.roc]
    true = [point.true_positive_rate for point in clean.roc]
    operating = 1 - _estimate(clean.specificity), _estimate(clean.sensitivity)
    with chart(path, SIDE_MM, SIDE_MM) as figure:
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)))
        axes.annotate("chance", (62, 59), color=MUTED, fontsize=8, ha="left", va="top")
        axes.plot(_hundred(false), _hundred(true), color=looks(1)[0].colour, clip_on=False, zorder=3)
        x, y = 100 * operating[0], 100 * operating[1]
        axes.plot(
            [x], [y], "o", markersize=6, markerfacecolor="white", markeredgecolor=INK, clip_on=False, zorder=4
        )
        above = 7 if y < 15 else -11  # points, clear of the axis
        axes.annotate("operating point", (x, y), (8, above), textcoords="offset points", fontsize=8)
        axes.set_xlabel("False positive rate (1 − specificity), %")
        axes.set_ylabel("True positive rate (sensitivity), %")
        percent_axis(axes, "x")
        percent_axis(axes, "y")
        axes.set_aspect("equal")
    return operating


def _hundred(shares: list[float]) -> list[float]:
    return [100 * share for share in shares]


def _estimate(share: Interval | None) -> float:
    return float("nan") if share is None or share.estimate is None else share.estimate
