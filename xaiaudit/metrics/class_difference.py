"""How much balanced accuracy differs between two models that decided on the same images."""

from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.classification import mover_mean
from xaiaudit.metrics.differences import p_value, paired_difference, two_sided
from xaiaudit.records import Interval
from xaiaudit.types import Decisions

METHOD = "MOVER of Tango at n/deff"


def balanced_accuracy_difference(
    truth: Decisions, before: Decisions, after: Decisions, cases: Cases, k: int, *, level: float = 0.95
) -> Interval:
    """Balanced accuracy of `after` minus that of `before`, paired by image.

    The mean over classes of the paired differences of recall, their intervals joined as independent errors: two models
    that decide alike everywhere are not called equal for certain.

    Args:
        truth, before, after: (n,) class index, of the same images.
        cases: the case id of each image.
        k: classes.
        level: two-sided.

    Returns:
        Estimate and bounds in [-1, 1]; all None where a class has no image.

    Source: Tango 1998 (see `paired_difference`); Zou & Donner 2008, Statistics in Medicine 27:1693-1702 (MOVER).
    """
    parts = []
    for label in range(k):
        own = truth == label
        parts.append(
            paired_difference((before == label)[own], (after == label)[own], select(cases, own), level=level)
        )
    estimate = low = high = None
    if all(part.estimate is not None for part in parts):
        estimate, low, high = mover_mean(parts)
        low, high = max(low, -1.0), min(high, 1.0)
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        n=len(truth),
        cases=len(set(cases)),
        method=METHOD,
        level=level,
    )


def balanced_accuracy_test(
    truth: Decisions, before: Decisions, after: Decisions, cases: Cases, k: int
) -> float | None:
    """Two-sided p against equal balanced accuracies, by the intervals of `balanced_accuracy_difference`."""
    return two_sided(lambda level: balanced_accuracy_difference(truth, before, after, cases, k, level=level))


def balanced_accuracy_worsening(
    truth: Decisions, before: Decisions, after: Decisions, cases: Cases, k: int, *, tolerated: float = 0.0
) -> float | None:
    """One-sided p against "balanced accuracy fell by no more than `tolerated`": small where it surely fell by more.

    Agrees with `balanced_accuracy_difference`: p < 0.05 where its upper bound at level 0.90 lies below -tolerated. In
    [1e-12, 1); None where a class has no image.
    """

    def at(level: float) -> Interval:
        return balanced_accuracy_difference(truth, before, after, cases, k, level=level)

    found = at(0.9)
    if found.estimate is None:
        return None
    worse = found.estimate < -tolerated

    def excess(p: float) -> float:
        interval = at(1 - 2 * p)
        return -tolerated - (interval.high or 0.0) if worse else (interval.low or 0.0) + tolerated

    return p_value(excess, worse=worse)
