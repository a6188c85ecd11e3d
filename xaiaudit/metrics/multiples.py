"""An attack's map shift as a multiple of what happens without an attacker."""

import numpy as np
from jaxtyping import Float

from xaiaudit.metrics.bootstrap import draw_cases, expanded_tail, weighted_median
from xaiaudit.metrics.cases import Cases, number_cases, select
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

LIKENESS = frozenset({"topk_intersection", "spearman", "pearson", "ssim"})  # 1 where nothing changed


def amount(metric: str, values: Vector, vanished: Flags) -> Vector:
    """How far each map moved by a metric of `records.SHIFT_METRICS`: more is farther, 0 is not at all.

    Likeness counts as what was lost of it, 1 - value. A map that vanished moved farther than any other: infinity. NaN
    where the metric is undefined for another reason.
    """
    moved = 1 - values if metric in LIKENESS else values
    return np.where(vanished, np.inf, moved)


def median_amount(amounts: Vector) -> float | None:
    """The median over defined amounts; None without any, and where half of the maps or more vanished."""
    defined = amounts[~np.isnan(amounts)]
    middle = (
        float(weighted_median(defined, np.ones((1, len(defined)), np.int64))[0]) if len(defined) else np.inf
    )
    return middle if np.isfinite(middle) else None


def times(
    attack: Vector,
    natural: Vector,
    cases: Cases,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Median amount under attack / median natural amount of the same images, with an interval over cases.

    Expanded percentiles of a bootstrap, as in `bootstrap.bootstrap`.

    Args:
        attack, natural: (n,) amounts of the same images, infinite where the map vanished; images with a NaN in either
            are left out of both.
        cases: the case id of each image; both medians are taken over the same resampled cases.

    Returns:
        Estimate and bounds, 1 where both are alike. The estimate is None where the natural median is 0 or either is
        infinite; a bound is None where it is: a lower one is then unknown, an upper one may be any size. A resample
        without a ratio (0 / 0, or both infinite) widens the interval on either side. Both bounds are None with fewer
        than two cases.
    """
    known = ~np.isnan(attack) & ~np.isnan(natural)
    attack, natural = attack[known], natural[known]
    index, count = number_cases(select(cases, known), len(attack))
    whole = _ratio(attack, natural, np.ones((1, len(attack)), np.int64))[0] if len(attack) else np.nan
    low = high = None
    if count >= 2:
        draws = [_ratio(attack, natural, weights) for weights in draw_cases(index, count, resamples, seed)]
        low, high = _bounds(np.concatenate(draws), expanded_tail(count, level))
    return Interval(
        estimate=float(whole) if np.isfinite(whole) else None,
        low=low,
        high=high,
        n=len(attack),
        cases=count,
        method=f"case bootstrap of a ratio of medians, {resamples}",
        level=level,
    )


def farther(attack: Vector, natural: Float[np.ndarray, "n m"], cases: Cases) -> Interval:
    """Share of images whose map the attack moved farther than any of m natural changes did.

    Of images with a defined amount under the attack and under every change. An attack that is one more change like
    them is the farthest of m + 1 with a chance of at most 1 / (m + 1).
    """
    known = ~np.isnan(attack) & ~np.isnan(natural).any(1)
    return proportion(attack[known] > natural[known].max(1, initial=0.0), select(cases, known))


def _ratio(attack: Vector, natural: Vector, weights: np.ndarray) -> Float[np.ndarray, "b"]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(weighted_median(attack, weights) / weighted_median(natural, weights))


def _bounds(draws: Float[np.ndarray, "b"], tail: float) -> tuple[float | None, float | None]:
    unknown = np.isnan(draws)
    ends = [
        float(np.quantile(np.where(unknown, worst, draws), at, method="inverted_cdf"))
        for worst, at in ((-np.inf, tail), (np.inf, 1 - tail))
    ]
    low, high = (end if np.isfinite(end) else None for end in ends)
    return low, high
