"""What this many cases can show: the rate that passes a requirement, and the rise that a comparison notices.

A flip rate is held to a limit, or to that of a baseline on the same images. Both tests are one-sided at 5 %, and a
figure counts as seen where the test sees it with a power of 80 %.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaln, ndtri, stdtrit, xlogy

from xaiaudit.metrics.differences import score
from xaiaudit.metrics.proportions import clopper_pearson
from xaiaudit.records import Interval, SampleSize

LEVEL = 0.90  # two-sided, so that each bound is one-sided 95 %
POWER = 0.80


def sample_size(found: Interval, limit: float | None = None) -> SampleSize | None:
    """What the images behind a flip rate can show. None where no rate was found.

    Args:
        found: the flip rate, as `proportion` or `bound` gives it.
        limit: of a requirement, in [0, 1]; None where there is none.
    """
    if found.estimate is None or found.effective is None:
        return None
    passes = None if limit is None else passing_rate(limit, found.effective, found.cases)
    rise = detectable_rise(found.estimate, found.effective)
    parts = [_of_limit(limit, passes)] if limit is not None and limit < 1 else []
    parts.append(_of_rise(found.estimate, rise))
    worth = f"worth {found.effective:.0f} independent images"
    return SampleSize(
        images=found.n,
        cases=found.cases,
        effective=found.effective,
        rate=found.estimate,
        limit=limit,
        passes_up_to=passes,
        smallest_rise=rise,
        words=f"With {found.n} images of {found.cases} cases, {worth}, {', and '.join(parts)} "
        "(one-sided 5 %, power 80 %)",
    )


def _of_limit(limit: float, passes: float | None) -> str:
    if passes is not None:
        return (
            f"the limit of {_percent(limit)} is passed with a chance of 80 % only by a true flip rate of at most "
            f"{_percent(passes)}"
        )
    if limit == 0:
        return "a limit of 0 % cannot be passed, whatever the number of cases"
    needed = f"which takes {cases_needed(limit)} cases"
    return f"the limit of {_percent(limit)} cannot be passed even without a flip, {needed}"


def _of_rise(rate: float, rise: float | None) -> str:
    if rate == 1:
        return "no flip rate can rise over the 100 % found"
    if rise is None:
        return f"no rise of the flip rate over the {_percent(rate)} found would be noticed"
    points = f"{100 * rise:.1f} points over the {_percent(rate)} found"
    return f"a rise of the flip rate by less than {points} would not be noticed"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def passing_rate(limit: float, effective: float, cases: int) -> float | None:
    """The largest true rate that passes a requirement with a chance of 80 %; None where not even no hit passes.

    Args:
        limit: the one-sided 95 % upper bound of `proportions.bound` must not exceed it.
        effective: independent images that the images are worth, n/deff.
        cases: what they are worth where no image is a hit.
    """
    hits = np.arange(int(effective) + 1)
    # as `effective_images`: few hits say little of deff, with about two degrees of freedom for each
    with np.errstate(invalid="ignore"):
        few = (ndtri((1 + LEVEL) / 2) / stdtrit(2 * hits, (1 + LEVEL) / 2)) ** 2
    worth = np.where(hits > 0, np.clip(effective * few, min(cases, effective), effective), cases)
    holds = [clopper_pearson(k / effective, n, LEVEL)[1] <= limit for k, n in zip(hits, worth, strict=True)]
    most = len(holds) - 1 if all(holds) else holds.index(False) - 1  # hits that still pass
    if most < 0:
        return None
    return 1.0 if most >= effective else float(betaincinv(most + 1, effective - most, 1 - POWER))


def cases_needed(limit: float) -> int:
    """Cases of which none may flip, so that the one-sided 95 % bound holds a limit in (0, 1)."""
    return int(np.ceil(np.log((1 - LEVEL) / 2) / np.log1p(-limit)))


def detectable_rise(rate: float, effective: float, tolerated: float = 0.0) -> float | None:
    """The smallest rise of a rate that `worsening` sees on the same images with a chance of 80 %.

    The hits of the two are taken for independent of one another: where they fall on the same images, a smaller rise
    is seen. The chance is summed over all outcomes of that many independent images.

    Args:
        rate: of the baseline, in [0, 1].
        effective: independent images that the images are worth, n/deff.
        tolerated: rise that is tolerated.

    Returns:
        In (tolerated, 1 - rate]; None where no rise is seen as often.
    """
    n, most = max(1, round(effective)), 1 - rate
    if most <= tolerated or power(rate, most, n, tolerated) < POWER:
        return None
    return float(brentq(lambda rise: power(rate, rise, n, tolerated) - POWER, tolerated, most, xtol=1e-6))


def power(rate: float, rise: float, n: int, tolerated: float = 0.0) -> float:
    """Chance that `worsening` is below 5 % for `n` independent images and independent hits."""
    after = min(rate + rise, 1.0)
    return noticed(after * (1 - rate), rate * (1 - after), n, tolerated)


def noticed(gained: float, lost: float, n: int, tolerated: float = 0.0, *, alpha: float = 0.05) -> float:
    """Chance that `worsening` is below `alpha` for `n` independent images.

    Args:
        gained, lost: share of images that are hits after and not before, and the other way round.
        n: images.
        tolerated: rise that is tolerated.
        alpha: one-sided.
    """
    b, c = (_likely(share, n) for share in (gained, lost))
    b, c = b[:, None], c[None]
    chance = np.where(b + c <= n, np.exp(_log_chance(b, c, n, gained, lost)), 0.0)
    seen = np.sqrt(n) * score(b / n, c / n, tolerated) > ndtri(1 - alpha)
    return float(chance[seen].sum())


def _likely(share: float, n: int) -> np.ndarray:
    """Counts of `n` that are not wholly unlikely: seven standard deviations and ten around the mean."""
    reach = 7 * np.sqrt(n * share * (1 - share)) + 10
    return np.arange(max(0, int(n * share - reach)), min(n, int(n * share + reach)) + 1)


def _log_chance(b: np.ndarray, c: np.ndarray, n: int, gained: float, lost: float) -> np.ndarray:
    rest = np.maximum(n - b - c, 0)
    orders = gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(rest + 1)
    return np.asarray(
        orders + xlogy(b, gained) + xlogy(c, lost) + xlogy(rest, max(1 - gained - lost, 0.0)), dtype=float
    )
