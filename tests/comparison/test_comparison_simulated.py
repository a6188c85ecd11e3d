"""How often drift is found where there is none, and where there is: maps that move as in a sweep, and farther."""

import numpy as np
import pytest

from xaiaudit.metrics.multiples import times
from xaiaudit.metrics.paired import holm, sign_flip

FAR = 2.0  # what a typical map moves in a sweep is 1
CASES, EXPLAINERS = 40, 2


def found(rng: np.random.Generator, farther: float) -> bool:
    """One comparison: whether either finding is made by any explainer. Images of a case are alike."""
    case = np.repeat(np.arange(CASES), rng.integers(1, 4, CASES))
    p_values, up, low = [], [], []
    for _ in range(EXPLAINERS):
        own = rng.normal(0, 0.5, CASES)[case] + rng.normal(0, 0.3, len(case))  # how steady the image is
        drift, sweep = (np.exp(own + rng.normal(0, 0.7, len(case))) for _ in range(2))
        drift *= farther
        p = sign_flip(sweep > FAR, drift > FAR, case)
        assert p is not None
        p_values.append(p)
        up.append(bool((drift > FAR).mean() > (sweep > FAR).mean()))
        low.append(times(drift, sweep, case, resamples=1000, level=1 - 0.05 / EXPLAINERS).low)
    moved = any(p < 0.05 and more for p, more in zip(holm(p_values), up, strict=True))
    return moved or any(bound is not None and bound > 1 for bound in low)


@pytest.mark.parametrize(("farther", "least", "most"), [(1.0, 0.0, 0.10), (2.0, 0.95, 1.0)])
def test_drift_is_found_where_there_is_some(farther: float, least: float, most: float) -> None:
    """Nominal at most 0.075: 0.05 of the shares, and one side of 0.05 of the ratios; three standard errors are 0.06."""
    rng = np.random.default_rng(0)
    assert least <= np.mean([found(rng, farther) for _ in range(80)]) <= most
