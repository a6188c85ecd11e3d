"""A proportion of images with an interval that knows which images belong to one case."""

import numpy as np
from scipy.stats import norm, t

from xaiaudit.metrics.cases import Cases, case_sums, number_cases
from xaiaudit.records import Interval
from xaiaudit.types import Flags


def proportion(hits: Flags, cases: Cases, *, level: float = 0.95) -> Interval:
    """Share of images that are hits, with Wilson's interval at the effective number of images.

    n/deff replaces n, where deff is the variance of the share between cases over its variance between
    independent images; few cases widen it through Student's t. It never leaves the range between n^2 / sum of
    squared case sizes (the images of a case all tell the same) and n (they are independent). Where all images
    agree no variance can be seen, and it is the number of cases: none of 10 images of one case is none of 1.

    Args:
        hits: (n,) bool.
        cases: the case id of each image.
        level: two-sided; 0.90 gives the one-sided 95 % bounds.

    Returns:
        Estimate and bounds in [0, 1]; all None for n = 0. With one image a case it is plain Wilson.

    Source: Wilson 1927, JASA 22:209-212; Korn & Graubard 1998, Survey Methodology 24:193-201 (n/deff and t).
    """
    n = len(hits)
    index, count = number_cases(cases, n)
    if n == 0:
        return Interval(
            estimate=None, low=None, high=None, n=0, cases=0, method="Wilson at n/deff", level=level
        )
    share = float(hits.mean())
    effective = _effective_images(hits, index, count, level)
    low, high = wilson(share, effective, level)
    return Interval(
        estimate=share,
        low=low,
        high=high,
        n=n,
        cases=count,
        method=f"Wilson at n/deff, deff {n / effective:.3g}",
        level=level,
    )


def wilson(share: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` independent images; `n` need not be whole."""
    z2 = float(norm.isf((1 - level) / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (share * (1 - share) / n + z2 / (4 * n**2))) ** 0.5 / (1 + z2 / n)
    low = 0.0 if share == 0 else middle - half  # rounding must not exclude a share that was seen
    high = 1.0 if share == 1 else middle + half
    return max(low, 0.0), min(high, 1.0)


def _effective_images(hits: Flags, index: np.ndarray, count: int, level: float) -> float:
    n = len(hits)
    share = hits.mean()
    if share in (0.0, 1.0):
        return float(count)
    sizes = np.bincount(index, minlength=count)
    fewest = n**2 / float((sizes**2).sum())
    between = float(((case_sums(hits.astype(float), index, count) - share * sizes) ** 2).sum())
    if count == 1:
        return 1.0
    if between == 0:  # every case has the same mixture: nothing speaks against independence
        return float(n)
    variance = count / (count - 1) * between / n**2
    tail = (1 - level) / 2
    few_cases = (t.isf(tail, n - 1) / t.isf(tail, count - 1)) ** 2
    return float(np.clip(share * (1 - share) / variance * few_cases, fewest, n))
