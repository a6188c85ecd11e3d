"""Is a rate higher among some images than among the others of the same sample? Images of one case stay together."""

from collections.abc import Iterator

import numpy as np

from xaiaudit.metrics.bootstrap import CELLS
from xaiaudit.metrics.cases import Cases, number_cases
from xaiaudit.metrics.mover import bounds_of_difference
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector


def rate_difference(first: Interval, second: Interval, *, cases: int) -> Interval:
    """First rate minus second, in [-1, 1], with an interval joined from theirs; None where one is undefined.

    `cases` is the number of different cases in both groups together: one with images in either counts once.

    The distances from estimate to bound are taken as independent errors. Where cases have images in both groups that
    tend to agree, it is wider than it need be.

    Source: as `bounds_of_difference`.
    """
    n, method = first.n + second.n, "MOVER of the two rates"
    if first.estimate is None or second.estimate is None:
        return Interval(estimate=None, low=None, high=None, n=n, cases=cases, method=method)
    low, high = bounds_of_difference(first, second)
    difference = first.estimate - second.estimate
    return Interval(estimate=difference, low=low, high=high, n=n, cases=cases, method=method)


def permutation(
    values: Vector, group: Flags, cases: Cases, *, resamples: int = 10_000, seed: int = 0
) -> float | None:
    """Two-sided p that the mean of `values` does not depend on `group`.

    The values of a case move as they are to another case with as many images, and the groups stay: that is exact
    where cases of one size can be exchanged. A case without a partner of its size tells nothing. With one image a case
    and flags for values it is Fisher's exact test, drawn.

    Args:
        values: (n,), without NaN.
        group: (n,) bool.
        cases: the case id of each image.

    Returns:
        p in (0, 1]; 1 where no exchange can change anything; None where a group is empty.

    Source: Davison & Hinkley 1997, Bootstrap Methods, chapter 4 (permutation tests, and p as (r + 1) / (b + 1)).
    """
    if group.all() or not group.any():
        return None
    index, count = number_cases(cases, len(values))
    sizes = np.bincount(index, minlength=count)
    order = np.argsort(index, kind="stable")
    rng = np.random.default_rng(seed)
    moved = np.zeros(resamples)  # the sum of `values` in the group, less its mean over all exchanges
    found = 0.0
    for size in np.unique(sizes).tolist():
        rows = order[sizes[index[order]] == size].reshape(-1, size)  # (cases of this size, size)
        own, flags = values[rows] - values[rows].mean(0), group[rows].astype(np.float64)
        found += float((own * flags).sum())
        moved += np.concatenate(
            [_exchanged(own, flags, draws) for draws in _draws(rng, len(rows), size, resamples)]
        )
    extreme = np.abs(moved) >= abs(found) - 1e-9
    return float((1 + extreme.sum()) / (1 + resamples))


def _exchanged(values: np.ndarray, flags: np.ndarray, draws: np.ndarray) -> np.ndarray:
    sums: np.ndarray = np.einsum("bcs,cs->b", values[draws], flags)
    return sums


def _draws(rng: np.random.Generator, count: int, size: int, resamples: int) -> Iterator[np.ndarray]:
    """Chunks of random orders of `count` cases, (b, count)."""
    step = max(1, CELLS // (count * size))
    for start in range(0, resamples, step):
        yield rng.random((min(step, resamples - start), count)).argsort(1)
