"""The AUC of a cross-validation, and the difference between two that tested the same folds.

Every fold has a model of its own, whose scores have a scale of their own: a ranking of images across folds would mix
them. So each fold is ranked by itself, and the AUC of the cross-validation is the mean over its folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from xaiaudit.metrics.auc import disjoint_pairs, logit_bounds, mean_placement, perfect_bound, placements
from xaiaudit.metrics.cases import Cases, case_sums, number_cases
from xaiaudit.metrics.differences import two_sided
from xaiaudit.metrics.mover import bounds_of_difference
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

METHOD = "mean over folds, case-level influence, logit"


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """What one fitted model scored on the images that it was tested on; both classes occur."""

    labels: Flags  # (n,) True for the positive class
    scores: Vector  # (n,) higher for positive
    cases: Cases
    repeat: int = 0  # each case is tested once in every repeat


def cv_auc(folds: Sequence[Fold], *, level: float = 0.95) -> Interval:
    """Mean AUC over folds, with an interval over the cases that were tested.

    The variance is the sum over cases of their squared influence on the mean: with one fold it is that of `auc`
    (DeLong's by case), with several folds of one repeat the sum of theirs over the squared number of folds, and a case
    that several repeats tested counts once, by its mean influence. It speaks of the fitted models, and not of what
    other training images or seeds would have made of them: for that see the spread between folds and repeats.

    Returns:
        Estimate and bounds in [0, 1], as `auc` bounds them; `n` counts scores, over all folds. All None for no fold;
        no bounds where a fold has fewer than two cases of a class.

    Raises:
        ValueError: a class is missing in a fold.

    Source: LeDell, Petersen & van der Laan 2015, Electronic Journal of Statistics 9:1583-1607 (mean over folds, and its
    influence curve); Obuchowski 1997, Biometrics 53:567-578 (cases and the correction for their number).
    """
    n, count = _sizes(folds)
    if not folds:
        return Interval(estimate=None, low=None, high=None, n=0, cases=0, method=METHOD, level=level)
    area = _mean_area(folds)
    influence = case_influence(folds)
    exact = perfect_bound(_pairs(folds), level)
    low: float | None = None
    high: float | None = None
    if area in (0.0, 1.0):
        low, high = (exact, 1.0) if area else (0.0, 1 - exact)
    elif influence is not None and (variance := float((influence**2).sum())) > 0:
        low, high = logit_bounds(area, variance, exact, level)
    return Interval(estimate=area, low=low, high=high, n=n, cases=count, method=METHOD, level=level)


def cv_auc_difference(before: Sequence[Fold], after: Sequence[Fold], *, level: float = 0.95) -> Interval:
    """Mean AUC of `after` minus that of `before`, with an interval that keeps folds, images and cases paired.

    It joins the intervals of the two by the correlation of their cases' influences, as `auc_difference` does.

    Args:
        before, after: the same folds with the same images in the same order, scored by two kinds of model.

    Returns:
        Estimate and bounds in [-1, 1]; no bounds where `cv_auc` gives none for one of the two.

    Raises:
        ValueError: the folds are not the same.

    Source: as in `cv_auc`; Zou & Donner 2008, Statistics in Medicine 27:1693-1702 (MOVER, correlated estimates).
    """
    for one, other in zip(before, after, strict=True):
        if not np.array_equal(one.labels, other.labels) or list(one.cases) != list(other.cases):
            raise ValueError(
                "the two cross-validations tested different images; compare the folds that both have"
            )
    first, second = cv_auc(before, level=level), cv_auc(after, level=level)
    estimate = low = high = None
    if first.estimate is not None and second.estimate is not None:
        estimate = second.estimate - first.estimate
        low, high = bounds_of_difference(second, first, _correlation(before, after))
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        n=first.n,
        cases=first.cases,
        method=f"MOVER of {METHOD}",
        level=level,
    )


def cv_auc_test(before: Sequence[Fold], after: Sequence[Fold]) -> float | None:
    """Two-sided p against equal AUCs, by the intervals of `cv_auc_difference`; None where they have no bounds."""
    return two_sided(lambda level: cv_auc_difference(before, after, level=level))


def case_influence(folds: Sequence[Fold]) -> Float[np.ndarray, "c"] | None:
    """How much each case moved the mean AUC, in order of first appearance; None where a fold shows no variance.

    A positive image moves its fold's AUC by (share of negatives below it - AUC) / positives, a negative one likewise;
    each class is scaled by the square root of c / (c - 1), c its cases in the fold, as the fold's own mean was taken
    off.
    """
    index, count = number_cases(
        [case for fold in folds for case in fold.cases], sum(len(f.labels) for f in folds)
    )
    total = np.zeros(count)
    start = 0
    for fold in folds:
        own = index[start : start + len(fold.labels)]
        start += len(fold.labels)
        for side, of_class in zip(
            placements(fold.labels, fold.scores), (fold.labels, ~fold.labels), strict=True
        ):
            cases = len(np.unique(own[of_class]))
            if cases < 2:
                return None
            moved = case_sums(side - side.mean(), own[of_class], count) / len(side)
            total += np.sqrt(cases / (cases - 1)) * moved / len(folds)
    return total


def _sizes(folds: Sequence[Fold]) -> tuple[int, int]:
    return sum(len(fold.labels) for fold in folds), len({case for fold in folds for case in fold.cases})


def _mean_area(folds: Sequence[Fold]) -> float:
    areas = []
    for fold in folds:
        if fold.labels.all() or not fold.labels.any():
            raise ValueError("a fold tested images of one class only, so that its AUC is undefined")
        areas.append(mean_placement(*placements(fold.labels, fold.scores)))
    return float(np.mean(areas))


def _pairs(folds: Sequence[Fold]) -> int:
    """Pairs of cases that share none and are ranked together, in the repeat that has fewest."""
    found: dict[int, int] = {}
    for fold in folds:
        index, count = number_cases(fold.cases, len(fold.labels))
        found[fold.repeat] = found.get(fold.repeat, 0) + disjoint_pairs(fold.labels, index, count)
    return min(found.values())


def _correlation(before: Sequence[Fold], after: Sequence[Fold]) -> float:
    """Of the two means over samples of cases; 0 where one of them shows no variance."""
    one, two = case_influence(before), case_influence(after)
    if one is None or two is None or not one.any() or not two.any():
        return 0.0
    return float(np.clip((one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum()), -1, 1))
