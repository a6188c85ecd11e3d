"""How much an AUC changed between two models that scored the same images."""

import numpy as np

from xaiaudit.metrics.auc import auc, clustered_variance, placements
from xaiaudit.metrics.cases import Cases, number_cases
from xaiaudit.metrics.differences import p_value
from xaiaudit.metrics.mover import bounds_of_difference
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

METHOD = "MOVER of Obuchowski's clustered DeLong, logit"


def auc_difference(
    labels: Flags, before: Vector, after: Vector, cases: Cases, *, level: float = 0.95
) -> Interval:
    """AUC of `after` minus AUC of `before`, with an interval that keeps images and cases paired.

    It joins the intervals of the two AUCs by the correlation of their estimates, so that two perfect models are not
    called equal for certain, as a variance of 0 would have it.

    Args:
        labels: (n,) bool, True for the positive class.
        before, after: (n,) scores of the same images; finite, only their order counts.
        cases: the case id of each image.
        level: two-sided.

    Returns:
        Estimate and bounds in [-1, 1]; all None where a class is missing; no bounds where `auc` gives none for one
        of the two.

    Source: as `bounds_of_difference`; Obuchowski 1997, Biometrics 53:567-578 (the covariance of two clustered AUCs).
    """
    first, second = (auc(labels, scores, cases, level=level) for scores in (before, after))
    estimate = low = high = None
    if first.estimate is not None and second.estimate is not None:
        estimate = second.estimate - first.estimate
        if first.low is not None and second.low is not None:
            low, high = bounds_of_difference(second, first, _correlation(labels, before, after, cases))
    return Interval(
        estimate=estimate, low=low, high=high, n=len(labels), cases=first.cases, method=METHOD, level=level
    )


def auc_worsening(
    labels: Flags, before: Vector, after: Vector, cases: Cases, *, tolerated: float = 0.0
) -> float | None:
    """One-sided p against "the AUC fell by no more than `tolerated`": small where it surely fell by more.

    Agrees with `auc_difference`: p < 0.05 where its upper bound at level 0.90 lies below -tolerated. In
    [1e-12, 1); None where the difference has no bounds.
    """
    found = auc_difference(labels, before, after, cases)
    if found.estimate is None or found.low is None:
        return None
    worse = found.estimate < -tolerated

    def excess(p: float) -> float:
        at = auc_difference(labels, before, after, cases, level=1 - 2 * p)
        return -tolerated - (at.high or 0.0) if worse else (at.low or 0.0) + tolerated

    return p_value(excess, worse=worse)


def _correlation(labels: Flags, before: Vector, after: Vector, cases: Cases) -> float:
    """Of the two estimates over samples of cases; 0 where one of them shows no variance."""
    index, count = number_cases(cases, len(labels))
    deviations = [
        tuple(part - part.mean() for part in placements(labels, scores)) for scores in (before, after)
    ]
    (p1, q1), (p2, q2) = deviations
    one, two, change = (
        clustered_variance(labels, index, count, p, q) for p, q in ((p1, q1), (p2, q2), (p2 - p1, q2 - q1))
    )
    if one <= 0 or two <= 0:
        return 0.0
    return float(np.clip((one + two - change) / (2 * np.sqrt(one * two)), -1, 1))
