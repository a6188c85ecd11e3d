"""Are probabilities too extreme, or too high? Intercept and slope of the labels on the log-odds."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit, stdtrit

from xaiaudit.metrics.cases import Cases, case_sums, number_cases
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

Columns = Float[np.ndarray, "n d"]
METHOD = "logistic regression, variance between cases, Student's t"
STEPS = 100
WIDEST = 1e6  # half of an interval that still tells anything, in logits
LARGEST = 1e100  # of what is computed with; beyond it chances are 0 or 1 as far as numbers go


def calibration_line(
    hits: Flags, odds: Vector, cases: Cases, *, level: float = 0.95
) -> tuple[Interval | None, Interval | None]:
    """Intercept a of logit P(hit) = a + odds, and slope b of logit P(hit) = a' + b odds; 0 and 1 of right odds.

    a > 0: hits are more frequent than the odds say; b < 1: the odds are too extreme, b > 1: not extreme enough.

    Args:
        hits: (n,) bool, both values there.
        odds: (n,), log-odds of a hit as they were given.
        cases: the case id of each image.
        level: two-sided.

    Returns:
        In logits, and without unit. The slope is None where the odds part hits from the others wholly, so that no
        slope is the likeliest; both are None with fewer than three cases, where no fit converges, or where the
        chances are so near 0 and 1 that no image tells anything of the line.

    Source: Cox 1958, Biometrika 45:562-565; Van Calster et al. 2019, BMC Medicine 17:230. Variance: Liang & Zeger
    1986, Biometrika 73:13-22, times c / (c - 1) of c cases, and no less than that of as many independent images: where
    every chance comes true the cases show hardly any, however little they tell.
    """
    ones, spread = np.ones(len(hits)), float(odds.std())
    intercept = _fitted(hits, ones[:, None], odds, cases, level)
    if spread == 0 or _parted(hits, odds):
        return intercept, None
    # scaled, so that odds of any size are fitted alike
    slope = _fitted(
        hits, np.stack([(odds - odds.mean()) / spread, ones], 1), np.zeros(len(hits)), cases, level
    )
    if slope is None:
        return intercept, None
    scaled = {name: getattr(slope, name) / spread for name in ("estimate", "low", "high")}
    return intercept, slope.model_copy(update=scaled)


def _parted(hits: Flags, odds: Vector) -> bool:
    return bool(odds[hits].min() >= odds[~hits].max() or odds[~hits].min() >= odds[hits].max())


def _fitted(hits: Flags, columns: Columns, offset: Vector, cases: Cases, level: float) -> Interval | None:
    """The first coefficient of a logistic regression on `columns`, with its interval."""
    index, count = number_cases(cases, len(hits))
    weights = _likeliest(hits, columns, offset)
    if weights is None or count < 3:
        return None
    chances = expit(columns @ weights + offset)
    bread = _inverse((columns * (chances * (1 - chances))[:, None]).T @ columns)
    if bread is None:
        return None
    sums = np.stack([case_sums(column * (hits - chances), index, count) for column in columns.T], 1)
    between = count / (count - 1) * bread @ (sums.T @ sums) @ bread
    # of independent images; where all that is likely comes true, what lies between cases is none
    variance = max(between[0, 0], bread[0, 0])
    half = float(stdtrit(count - 1, (1 + level) / 2) * variance**0.5)
    if half > WIDEST:
        return None
    estimate = float(weights[0])
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        n=len(hits),
        cases=count,
        method=METHOD,
        level=level,
    )


def _likeliest(hits: Flags, columns: Columns, offset: Vector) -> Float[np.ndarray, "d"] | None:
    """Newton's method, a step halved while it lowers the likelihood; None where it does not settle."""
    weights = np.zeros(columns.shape[1])
    best = _log_likelihood(hits, columns @ weights + offset)
    for _ in range(STEPS):
        chances = expit(columns @ weights + offset)
        slope = columns.T @ (hits - chances)
        if np.abs(slope).max() <= 1e-9 * len(hits):
            return weights
        inverse = _inverse((columns * (chances * (1 - chances))[:, None]).T @ columns)
        if inverse is None:
            return None
        step = inverse @ slope
        while (found := _log_likelihood(hits, columns @ (weights + step) + offset)) < best:
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return None
        weights, best = weights + step, found
    return None


def _inverse(bend: Columns) -> Columns | None:
    """None where there is none, or none that could be computed with."""
    try:
        found = np.linalg.inv(bend)
    except np.linalg.LinAlgError:
        return None
    return found if np.abs(found).max() < LARGEST else None  # NaN is not below it either


def _log_likelihood(hits: Flags, odds: Vector) -> float:
    return -float(np.logaddexp(0, np.where(hits, -odds, odds)).sum())
