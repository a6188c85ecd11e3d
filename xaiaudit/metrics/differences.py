"""How much a share changed between two states of the same images: an interval, and whether it got worse."""

from collections.abc import Callable
from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from xaiaudit.metrics.cases import Cases, number_cases
from xaiaudit.metrics.effective import effective_images
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

Shares = float | np.ndarray | np.floating
METHOD = "Tango at n/deff"
SMALLEST = 1e-12  # p-values below are given as this


def paired_difference(
    before: Flags | Vector, after: Flags | Vector, cases: Cases, *, level: float = 0.95
) -> Interval:
    """Share of `after` minus share of `before` on the same images, with Tango's interval at n/deff.

    Args:
        before, after: (n,) bool, of the same images: e.g. whether the baseline and the new checkpoint flipped; or
            shares in [0, 1], whose changes vary at most as gains and losses of the same means do, so that the interval
            errs to the wide side.
        cases: the case id of each image.
        level: two-sided; 0.90 gives the one-sided 95 % bounds.

    Returns:
        Estimate and bounds in [-1, 1]; all None for n = 0. Where no image differs the interval is as wide as the
        number of cases makes it: two equal results are no proof of equality.

    Source: Tango 1998, Statistics in Medicine 17:891-908; the variance between cases is Obuchowski's 1998, Statistics
    in Medicine 17:1495-1507; n/deff as in `effective_images`.
    """
    index, count = number_cases(cases, len(before))
    if len(before) == 0:
        return Interval(estimate=None, low=None, high=None, n=0, cases=0, method=METHOD, level=level)
    effective = _effective(before, after, index, count)(level)
    gained, lost = _discordant(before, after)
    z = float(ndtri((1 + level) / 2))
    low, high = tango(gained, lost, effective, z)
    return Interval(
        estimate=gained - lost,
        low=low,
        high=high,
        n=len(before),
        cases=count,
        method=f"{METHOD}, deff {len(before) / effective:.3g}",
        level=level,
        effective=effective,
    )


def worsening(
    before: Flags | Vector, after: Flags | Vector, cases: Cases, *, tolerated: float = 0.0
) -> float | None:
    """One-sided p against "the share rose by no more than `tolerated`": small where it surely rose by more.

    It agrees with `paired_difference`: p < 0.05 where the lower bound at level 0.90 lies above `tolerated`.

    Args:
        before, after: (n,) bool, of the same images, or shares as in `paired_difference`.
        cases: the case id of each image.
        tolerated: in [0, 1), of the share.

    Returns:
        p in [1e-12, 1); None for n = 0.

    Source: Tango 1998, equation of the score test, at n/deff.
    """
    index, count = number_cases(cases, len(before))
    if len(before) == 0:
        return None
    gained, lost = _discordant(before, after)
    one = float(score(gained, lost, tolerated))
    effective = _effective(before, after, index, count)
    return p_value(lambda p: abs(one) * sqrt(effective(1 - 2 * p)) + float(ndtri(p)), worse=one > 0)


def p_value(excess: Callable[[float], float], *, worse: bool) -> float:
    """The p of a one-sided test, from its intervals: the smallest at which the bound still excludes the null.

    With few cases Student's t, and so n/deff, depends on the level, so that no single statistic gives p.

    Args:
        excess: of p, by how much the bound at level 1 - 2p excludes the null, in any unit; rises with p.
        worse: whether the estimate lies on the side that the test is after; else `excess` is of the other bound,
            and the p of the other side is taken from 1.

    Returns:
        p in [1e-12, 1 - 1e-12].
    """
    if excess(SMALLEST) >= 0:
        p = SMALLEST
    elif excess(0.5 - SMALLEST) <= 0:
        p = 0.5
    else:
        p = float(brentq(excess, SMALLEST, 0.5 - SMALLEST, xtol=1e-15))
    return p if worse else 1 - p


def two_sided(at: Callable[[float], Interval]) -> float | None:
    """Two-sided p against "no difference", from the intervals of a difference at any level: p < 0.05 where that at
    0.95 excludes 0.

    Args:
        at: the interval of the difference, of a two-sided level.

    Returns:
        p in [2e-12, 1]; 1 for a difference of 0; None where it is undefined or has no bounds.
    """
    found = at(0.95)
    if found.estimate is None or found.low is None or found.high is None:
        return None
    if found.estimate == 0:
        return 1.0
    risen = found.estimate > 0

    def excess(p: float) -> float:
        interval = at(1 - 2 * p)
        return (interval.low or 0.0) if risen else -(interval.high or 0.0)

    return min(1.0, 2 * p_value(excess, worse=True))


def tango(gained: float, lost: float, n: float, z: float) -> tuple[float, float]:
    """Tango's score interval of gained - lost, shares of `n` independent images; `n` need not be whole."""
    difference, end = gained - lost, 1 - 1e-12

    def beyond(delta: float) -> float:
        return float(score(gained, lost, delta)) * sqrt(n)

    low = -1.0 if beyond(-end) < z else float(brentq(lambda d: beyond(d) - z, -end, min(difference, end)))
    high = 1.0 if beyond(end) > -z else float(brentq(lambda d: beyond(d) + z, max(difference, -end), end))
    return low, high


def score(gained: Shares, lost: Shares, delta: float) -> Shares:
    """Tango's statistic of one image, for a difference of `delta`; that of n images is sqrt(n) times it."""
    b = -(gained + lost) + (2 - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    lost_if_so = (
        np.sqrt(np.maximum(b * b - 8 * c, 0)) - b
    ) / 4  # most likely share lost, given the difference
    variance = np.maximum(2 * lost_if_so + delta * (1 - delta), 1e-300)
    distance = gained - lost - delta
    return np.where(np.abs(distance) < 1e-15, 0.0, distance / np.sqrt(variance))


def _discordant(before: Flags | Vector, after: Flags | Vector) -> tuple[float, float]:
    change = after.astype(float) - before
    return float(np.maximum(change, 0).mean()), float(np.maximum(-change, 0).mean())


def _effective(
    before: Flags | Vector, after: Flags | Vector, index: np.ndarray, count: int
) -> Callable[[float], float]:
    change = after.astype(float) - before
    gained, lost = _discordant(before, after)
    variance = gained + lost - (gained - lost) ** 2
    return lambda level: effective_images(change, index, count, variance, level)
