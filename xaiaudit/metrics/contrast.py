"""Is a rate higher among some images than among the others of the same sample? Images of one case stay together."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

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
    """Two-sided p that the mean of `values` does not depend on `group`; `permutation_among` of two groups.

    With one image a case and flags for values it is Fisher's exact test, drawn.

    Args:
        values: (n,), without NaN.
        group: (n,) bool.
        cases: the case id of each image.

    Returns:
        p in (0, 1]; 1 where no exchange can change anything; None where a group is empty.
    """
    if group.all() or not group.any():
        return None
    groups = group.astype(np.int64)
    return float(permutation_among(values[:, None], groups, cases, resamples=resamples, seed=seed)[0][0])


def permutation_among(
    values: Float[np.ndarray, "n k"],
    groups: Int[np.ndarray, "n"],
    cases: Cases,
    *,
    strata: Int[np.ndarray, "n"] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """p that the mean of each of k kinds of `values` depends on none of the `groups`.

    The values of a case move as they are to another case with as many images, of each of the `strata`, and the groups
    stay: that is exact where such cases can be exchanged. A case without a partner tells nothing. The statistic is the
    sum over groups of (sum of the distances of their values from the mean over all exchanges)^2 / images.

    Args:
        values: (n, k); a NaN moves with its case, and is at no distance.
        groups: (n,) index of each image's group, each at least once.
        cases: the case id of each image.
        strata: (n,) what values may depend on besides, such as the label; None: nothing.

    Returns:
        Twice (k,) in (0, 1]: p of each kind, 1 where no exchange can change anything, and the same adjusted for all k:
        the chance of a smallest p as small in any kind. All kinds move together, so that kinds that tell the same
        count once.

    Source: Davison & Hinkley 1997, Bootstrap Methods, chapter 4 (permutation tests, and p as (r + 1) / (b + 1));
    Westfall & Young 1993, Resampling-Based Multiple Testing, section 2.3 (single-step minP).
    """
    member = np.eye(groups.max() + 1)[groups]  # (n, groups)
    rng, kinds = np.random.default_rng(seed), values.T
    moved = np.zeros((len(kinds), resamples, member.shape[1]))  # sums of distances by group
    found = np.zeros((len(kinds), member.shape[1]))
    for rows in _exchangeable(cases, np.zeros(len(groups), np.int64) if strata is None else strata):
        own, place = _distances(kinds[:, rows]), member[rows.ravel()]
        found += own.reshape(len(kinds), -1) @ place
        done = 0
        for draws in _draws(rng, len(rows), rows.size * len(kinds), resamples):
            exchanged = own[:, draws].reshape(len(kinds), len(draws), -1)  # (k, b, images)
            moved[:, done : done + len(draws)] += exchanged @ place
            done += len(draws)
    reached = np.concatenate([found[:, None], moved], axis=1)  # what was seen is one of the exchanges
    distance = (reached**2 / member.sum(0)).sum(-1).round(9)  # ties are ties, whatever was added up first
    ranks = rankdata(-distance, method="max", axis=1) / (resamples + 1)  # p of each exchange
    return ranks[:, 0], (ranks.min(0) <= ranks[:, :1]).mean(1)


def _distances(values: Float[np.ndarray, "k c s"]) -> Float[np.ndarray, "k c s"]:
    """From the mean over the cases, (k, cases, images a case); 0 for NaN."""
    known = np.isfinite(values)
    held = np.where(known, values, 0.0)
    means = held.sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    return np.where(known, held - means, 0.0)


def _exchangeable(cases: Cases, strata: Int[np.ndarray, "n"]) -> Iterator[Int[np.ndarray, "c s"]]:
    """The images of cases that may be exchanged, (cases, images a case), equal strata in a column."""
    index, count = number_cases(cases, len(strata))
    order = np.lexsort((strata, index))
    alike: dict[tuple[int, ...], list[np.ndarray]] = {}
    for rows in np.split(order, np.bincount(index, minlength=count).cumsum()[:-1]):
        alike.setdefault((len(rows), *strata[rows].tolist()), []).append(rows)
    for kind in sorted(alike):
        yield np.stack(alike[kind])


def _draws(rng: np.random.Generator, count: int, cells: int, resamples: int) -> Iterator[np.ndarray]:
    """Chunks of random orders of `count` cases, (b, count), each order moving so many `cells`."""
    step = max(1, CELLS // cells)
    for start in range(0, resamples, step):
        yield rng.random((min(step, resamples - start), count)).argsort(1)
