"""How much a mean changed between two states of the same images: an interval, and whether it got worse."""

import numpy as np
from scipy.special import stdtr, stdtrit

from xaiaudit.metrics.cases import Cases, case_sums, number_cases
from xaiaudit.metrics.differences import SMALLEST
from xaiaudit.records import Interval
from xaiaudit.types import Vector

METHOD = "Student's t of cases"


def mean_difference(before: Vector, after: Vector, cases: Cases, *, level: float = 0.95) -> Interval:
    """Mean of `after` minus mean of `before` on the same images, with Student's interval from the cases.

    The variance is that of a ratio: of the sums of the cases around what their number of images gives them. With one
    image a case it is the paired t interval.

    Args:
        before, after: (n,), finite, in any unit.
        cases: the case id of each image.
        level: two-sided; 0.90 gives the one-sided 95 % bounds.

    Returns:
        In the unit of the values; all None for n = 0; no bounds with fewer than two cases.

    Source: Cochran 1977, Sampling Techniques, section 9.5 (a mean over clusters of unequal size).
    """
    index, count = number_cases(cases, len(before))
    estimate = low = high = None
    if len(before):
        estimate, error = _change(after - before, index, count)
        if count >= 2:
            half = float(stdtrit(count - 1, (1 + level) / 2)) * error
            low, high = estimate - half, estimate + half
    return Interval(
        estimate=estimate, low=low, high=high, n=len(before), cases=count, method=METHOD, level=level
    )


def mean_worsening(before: Vector, after: Vector, cases: Cases, *, tolerated: float = 0.0) -> float | None:
    """One-sided p against "the mean rose by no more than `tolerated`": small where it surely rose by more.

    It agrees with `mean_difference`: p < 0.05 where the lower bound at level 0.90 lies above `tolerated`.

    Returns:
        p in [1e-12, 1 - 1e-12]; None with fewer than two cases. Where every image changed alike no variance is seen,
        and p tells only on which side of `tolerated` the change lies; at `tolerated` itself it is 0.5.
    """
    index, count = number_cases(cases, len(before))
    if count < 2:
        return None
    estimate, error = _change(after - before, index, count)
    excess = estimate - tolerated
    p = 0.5 - 0.5 * float(np.sign(excess)) if error == 0 else float(stdtr(count - 1, -excess / error))
    return float(np.clip(p, SMALLEST, 1 - SMALLEST))


def _change(change: Vector, index: np.ndarray, count: int) -> tuple[float, float]:
    """Mean and its standard error; 0 for one case."""
    n, mean = len(change), float(change.mean())
    if count < 2 or (change == change[0]).all():
        return mean, 0.0
    squares = (case_sums(change, index, count) - mean * np.bincount(index, minlength=count)) ** 2
    return mean, float(np.sqrt(count / (count - 1) * squares.sum())) / n
