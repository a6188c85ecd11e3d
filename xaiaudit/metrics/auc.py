"""Area under the ROC curve, with an interval that knows which images belong to one case."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit, ndtri
from scipy.stats import rankdata

from xaiaudit.functional import logit
from xaiaudit.metrics.cases import Cases, case_sums, number_cases
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

METHOD = "Obuchowski's clustered DeLong, logit"


def auc(labels: Flags, scores: Vector, cases: Cases, *, level: float = 0.95) -> Interval:
    """Chance that a positive image scores above a negative one, ties counting half.

    The variance is Obuchowski's; with one image a case it is DeLong's. The interval is symmetric in the
    logit, which keeps its coverage near 1 where the plain one loses it (at a true 0.99 with 40 and 90 cases
    0.94 against 0.80), and no bound is tighter than the exact one of a perfect separation: k pairs of cases
    that share none are all ordered rightly with chance AUC^k.

    Args:
        labels: (n,) bool, True for the positive class.
        scores: (n,), higher for positive; any finite unit, only the order counts.
        cases: the case id of each image; one case may hold both classes.
        level: two-sided.

    Returns:
        Estimate and bounds in [0, 1]. All None where a class is missing; no bounds where one class has a
        single case, or where all scores are equal, as neither shows a variance.

    Source: Obuchowski 1997, Biometrics 53:567-578; DeLong 1988, Biometrics 44:837-845.
    """
    n = len(labels)
    index, count = number_cases(cases, n)
    if labels.all() or not labels.any():
        return Interval(estimate=None, low=None, high=None, n=n, cases=count, method=METHOD, level=level)
    positive, negative = placements(labels, scores)
    area = mean_placement(positive, negative)
    exact = perfect_bound(disjoint_pairs(labels, index, count), level)
    low: float | None
    high: float | None
    if area == 1:
        low, high, method = exact, 1.0, f"exact, {METHOD}"
    elif area == 0:
        low, high, method = 0.0, 1 - exact, f"exact, {METHOD}"
    else:
        variance = clustered_variance(labels, index, count, positive - area, negative - area)
        low, high = logit_bounds(area, variance, exact, level) if variance > 0 else (None, None)
        method = METHOD
    return Interval(estimate=area, low=low, high=high, n=n, cases=count, method=method, level=level)


def perfect_bound(pairs: int, level: float = 0.95) -> float:
    """Lower bound of an AUC where each of `pairs` pairs of cases that share none is ordered rightly; see `auc`.

    Above 0.5 from six pairs on, at 95 %.
    """
    bound: float = ((1 - level) / 2) ** (1 / pairs)
    return bound


def placements(labels: Flags, scores: Vector) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "q"]]:
    """Of each positive image the share of negatives below it; of each negative, of positives above it."""
    ranks = rankdata(scores)
    within_positive, within_negative = rankdata(scores[labels]), rankdata(scores[~labels])
    below = (ranks[labels] - within_positive) / (~labels).sum()
    above = 1 - (ranks[~labels] - within_negative) / labels.sum()
    return below, above


def mean_placement(positive: Float[np.ndarray, "p"], negative: Float[np.ndarray, "q"]) -> float:
    """The AUC that placements give, a count of pairs and halves of pairs over all pairs: 1 is exactly 1."""
    return float((positive * len(negative)).round(1).sum()) / (len(positive) * len(negative))


def clustered_variance(
    labels: Flags,
    index: np.ndarray,
    count: int,
    positive: Float[np.ndarray, "p"],
    negative: Float[np.ndarray, "q"],
) -> float:
    """Obuchowski's variance of an AUC, from the deviations of the placements of positives and negatives.

    From the differences of the deviations of two scores it is the variance of the difference of their AUCs. 0 where
    a class has fewer than two cases, which show none.
    """
    p, q = len(positive), len(negative)
    of_positive, of_negative = index[labels], index[~labels]
    cases_p, cases_q = len(np.unique(of_positive)), len(np.unique(of_negative))
    if cases_p < 2 or cases_q < 2:
        return 0.0
    x = case_sums(positive, of_positive, count)
    y = case_sums(negative, of_negative, count)
    s10 = cases_p / ((cases_p - 1) * p) * (x**2).sum()
    s01 = cases_q / ((cases_q - 1) * q) * (y**2).sum()
    s11 = count / (count - 1) * (x * y).sum()
    return float(s10 / p + s01 / q + 2 * s11 / (p * q))


def logit_bounds(area: float, variance: float, exact: float, level: float) -> tuple[float, float]:
    """Symmetric in the logit, and no tighter than `exact` allows; 0 < area < 1."""
    half = float(ndtri((1 + level) / 2)) * variance**0.5 / (area * (1 - area))
    low, high = (float(expit(logit(area) + sign * half)) for sign in (-1, 1))
    return min(low, exact), max(high, 1 - exact)


def disjoint_pairs(labels: Flags, index: np.ndarray, count: int) -> int:
    """How many pairs of a positive and a negative image can be made so that no two pairs share a case.

    At least 1: a single case that holds both classes still makes one pair.
    """
    with_positive = np.bincount(index[labels], minlength=count) > 0
    with_negative = np.bincount(index[~labels], minlength=count) > 0
    return max(1, min(int(with_positive.sum()), int(with_negative.sum()), count // 2))
