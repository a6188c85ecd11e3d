"""A proportion of images with an interval that knows which images belong to one case."""

from typing import Literal

from scipy.special import betaincinv, ndtri

from xaiaudit.metrics.cases import Cases, number_cases
from xaiaudit.metrics.effective import effective_images
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

FEWEST = 10  # images; of fewer, no share is worth a verdict or a line of a table


def proportion(hits: Flags | Vector, cases: Cases, *, level: float = 0.95) -> Interval:
    """Share of images that are hits, with Wilson's interval at the effective number of images n/deff.

    Args:
        hits: (n,) bool; or a share in [0, 1] an image, whose variance between independent images is at most that
            of hits and misses of the same mean, so that the interval errs to the wide side.
        cases: the case id of each image.
        level: two-sided.

    Returns:
        Estimate and bounds in [0, 1]; all None for n = 0. With one image a case it is plain Wilson.

    Source: Wilson 1927, JASA 22:209-212; n/deff as in `effective_images`.
    """
    n = len(hits)
    index, count = number_cases(cases, n)
    if n == 0:
        return Interval(
            estimate=None, low=None, high=None, n=0, cases=0, method="Wilson at n/deff", level=level
        )
    share = float(hits.mean())
    effective = effective_images(hits, index, count, share * (1 - share), level)
    low, high = wilson(share, effective, level)
    return Interval(
        estimate=share,
        low=low,
        high=high,
        n=n,
        cases=count,
        method=f"Wilson at n/deff, deff {n / effective:.3g}",
        level=level,
        effective=effective,
    )


def bound(
    hits: Flags | Vector,
    cases: Cases,
    side: Literal["lower", "upper"] = "upper",
    *,
    confidence: float = 0.95,
) -> Interval:
    """Share of images that are hits, with a one-sided bound fit to pass a requirement on.

    Clopper and Pearson's at the effective number of images: exact, and so at least as sure as it says, with one image
    a case, and nearly so with several (docs/statistics.md). Wilson's own upper bound is kept too seldom by small
    shares (by 91 % at worst with 10 independent images, where 95 % are promised).

    Args:
        hits: (n,) bool, or shares as in `proportion`.
        cases: the case id of each image.
        side: the bound that is wanted; the other one is 0 or 1.
        confidence: one-sided.

    Returns:
        Estimate and bounds in [0, 1]; all None for n = 0. `level` is that of the two-sided interval with this bound.

    Source: Clopper & Pearson 1934, Biometrika 26:404-413; at n/deff by Korn & Graubard 1998, Survey Methodology
    24:193-201.
    """
    n = len(hits)
    index, count = number_cases(cases, n)
    level = 2 * confidence - 1
    method = "one-sided Clopper-Pearson at n/deff"
    if n == 0:
        return Interval(estimate=None, low=None, high=None, n=0, cases=0, method=method, level=level)
    share = float(hits.mean())
    effective = effective_images(hits, index, count, share * (1 - share), level)
    low, high = clopper_pearson(share, effective, level)
    return Interval(
        estimate=share,
        low=low if side == "lower" else 0.0,
        high=high if side == "upper" else 1.0,
        n=n,
        cases=count,
        method=f"{method}, deff {n / effective:.3g}",
        level=level,
        effective=effective,
    )


def complement(share: Interval | None) -> Interval | None:
    """The share of images that are no hits, 1 - share, with the bounds that follow; None of None."""
    if share is None:
        return None
    estimate, low, high = (
        None if bound is None else 1 - bound for bound in (share.estimate, share.high, share.low)
    )
    return share.model_copy(update={"estimate": estimate, "low": low, "high": high})


def wilson(share: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` independent images; `n` need not be whole."""
    z2 = float(ndtri((1 + level) / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (share * (1 - share) / n + z2 / (4 * n**2))) ** 0.5 / (1 + z2 / n)
    low = 0.0 if share == 0 else middle - half  # rounding must not exclude a share that was seen
    high = 1.0 if share == 1 else middle + half
    return max(low, 0.0), min(high, 1.0)


def clopper_pearson(share: float, n: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share of `n` independent images; `n` need not be whole."""
    tail, hits = (1 - level) / 2, share * n
    low = 0.0 if share == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if share == 1 else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high
