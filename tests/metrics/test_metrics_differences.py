"""Paired differences of two checkpoints against closed forms and independent implementations."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, minimize_scalar
from sklearn.metrics import roc_auc_score

from xaiaudit.metrics.differences import tango
from xaiaudit.metrics.statistics import (
    auc,
    auc_difference,
    auc_worsening,
    paired_difference,
    worsening,
)


def states(gained: int, lost: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Before and after of n images, half of the rest hits in both."""
    order = np.arange(n)
    both = order >= gained + lost + (n - gained - lost) // 2
    return ((order >= gained) & (order < gained + lost)) | both, (order < gained) | both


def score_by_search(gained: int, lost: int, n: int, delta: float) -> float:
    """Tango's statistic with the nuisance share maximised numerically, not by his formula."""

    def unlikely(q: float) -> float:
        chances = np.array([q + delta, q, 1 - 2 * q - delta])
        counts = np.array([gained, lost, n - gained - lost])
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(-np.nansum(np.where(counts > 0, counts * np.log(np.maximum(chances, 1e-300)), 0)))

    ends = (max(0.0, -delta), (1 - delta) / 2)
    q = minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-13}).x
    return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))


@pytest.mark.parametrize(("gained", "lost", "n"), [(40, 20, 160), (12, 2, 50), (3, 1, 20), (1, 9, 12)])
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_with_one_image_a_case_a_difference_has_tangos_interval(
    gained: int, lost: int, n: int, level: float
) -> None:
    z, middle = stats.norm.ppf((1 + level) / 2), (gained - lost) / n
    expected = (
        brentq(lambda d: score_by_search(gained, lost, n, d) - z, -0.99, middle),
        brentq(lambda d: score_by_search(gained, lost, n, d) + z, middle, 0.99),
    )
    found = paired_difference(*states(gained, lost, n), range(n), level=level)
    assert found.estimate == pytest.approx(middle)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-5)


def test_without_discordant_images_the_interval_is_that_of_the_number_of_cases() -> None:
    # By hand: with b = c = 0 the restricted share lost is 0 for d > 0, so n d^2 = z^2 d (1 - d)
    before, _ = states(0, 0, 40)
    found = paired_difference(before, before, np.repeat(np.arange(10), 4))
    half = 1.959964**2 / (10 + 1.959964**2)
    assert (found.estimate, found.low, found.high) == (0.0, pytest.approx(-half), pytest.approx(half))


def test_where_every_image_changes_the_far_bound_is_one() -> None:
    # By hand: b = n gives (1 - d) / sqrt(1 - d^2) = z / sqrt(n), so d = (n - z^2) / (n + z^2)
    gained = paired_difference(*states(5, 0, 5), range(5))
    near = (5 - 1.959964**2) / (5 + 1.959964**2)
    assert (gained.estimate, gained.low, gained.high) == (1.0, pytest.approx(near), 1.0)
    lost = paired_difference(*states(0, 5, 5), range(5))
    assert (lost.estimate, lost.low, lost.high) == (-1.0, -1.0, pytest.approx(-near))


def test_identical_images_of_a_case_count_once() -> None:
    before, after = states(6, 2, 30)
    once = paired_difference(before, after, range(30))
    often = paired_difference(np.repeat(before, 4), np.repeat(after, 4), np.repeat(np.arange(30), 4))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert worsening(np.repeat(before, 4), np.repeat(after, 4), np.repeat(np.arange(30), 4)) == pytest.approx(
        worsening(before, after, range(30))
    )


def test_the_variance_between_cases_is_obuchowskis_by_hand() -> None:
    # 6 cases of 2 images, in three of which one image changed: mean 3/12, deviations of the cases +-1/2, squares 1/4
    # each, all alike, so 5 degrees of freedom; variance 6/5 * 6/4 / 144, of independent images (3/12 - 1/16) / 12
    before, after = np.zeros(12, dtype=bool), np.array([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], dtype=bool)
    few = (stats.t.ppf(0.975, 11) / stats.t.ppf(0.975, 5)) ** 2
    expected = (3 / 12 - 1 / 16) / (6 / 5 * 6 / 4 / 144) * few
    assert 6 < expected < 12
    found = paired_difference(before, after, np.repeat(np.arange(6), 2))
    assert found.effective == pytest.approx(expected)
    assert (found.low, found.high) == pytest.approx(tango(3 / 12, 0.0, expected, 1.959964), abs=1e-6)


def test_the_p_of_a_rise_is_mcnemars_score_with_one_image_a_case() -> None:
    # 4 and 6 degrees of freedom: there SciPy's quantile of a level near 0 is 0
    for gained, lost, n in ((12, 3, 60), (3, 12, 60), (5, 5, 60), (2, 0, 5), (1, 0, 5), (3, 1, 7)):
        p = worsening(*states(gained, lost, n), range(n))
        assert p == pytest.approx(stats.norm.sf((gained - lost) / math.sqrt(gained + lost)), rel=1e-6)


@pytest.mark.parametrize("tolerated", [0.0, 0.02, 0.1])
def test_p_agrees_with_the_one_sided_bound(tolerated: float) -> None:
    rng = np.random.default_rng(0)
    cases = np.repeat(np.arange(20), 3)
    for _ in range(20):
        before, after = rng.random(60) < 0.2, rng.random(60) < 0.4
        low = paired_difference(before, after, cases, level=0.9).low
        assert (worsening(before, after, cases, tolerated=tolerated) < 0.05) == (low > tolerated)
    at_bound = worsening(before, after, cases, tolerated=max(low, 0.0))
    assert low > 0
    assert at_bound == pytest.approx(0.05, abs=1e-6)


def test_a_difference_of_nothing_is_undefined() -> None:
    nothing = np.zeros(0, dtype=bool)
    assert paired_difference(nothing, nothing, []).estimate is None
    assert worsening(nothing, nothing, []) is None


# AUC


def two_scores(n: int, per_case: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels, shared = rng.random(n) < 0.4, rng.normal(size=n)
    before = np.round(shared + rng.normal(size=n) + 1.5 * labels, 1)
    after = np.round(shared + rng.normal(size=n) + 0.8 * labels, 1)
    return (*(np.repeat(a, per_case) for a in (labels, before, after)), np.repeat(np.arange(n), per_case))


def test_a_change_of_auc_joins_delongs_intervals_by_delongs_covariance() -> None:
    labels, before, after, cases = two_scores(120)
    orders = [np.heaviside(s[labels][:, None] - s[~labels][None], 0.5) for s in (before, after)]
    of_positive = np.cov([o.mean(1) for o in orders]) / labels.sum()
    of_negative = np.cov([o.mean(0) for o in orders]) / (~labels).sum()
    covariance = of_positive + of_negative
    r = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    a, b = auc(labels, before, cases), auc(labels, after, cases)
    down, up = b.estimate - b.low, a.high - a.estimate
    low = b.estimate - a.estimate - math.sqrt(down**2 + up**2 - 2 * r * down * up)
    found = auc_difference(labels, before, after, cases)
    assert found.estimate == pytest.approx(roc_auc_score(labels, after) - roc_auc_score(labels, before))
    assert found.low == pytest.approx(low, abs=1e-9)
    # near the middle MOVER is DeLong's own interval of the difference
    se = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.high - found.low == pytest.approx(2 * 1.96 * se, rel=0.05)


def test_repeating_every_image_leaves_a_change_of_auc_as_it_was() -> None:
    once, often = (auc_difference(*two_scores(60, k)) for k in (1, 3))
    assert (often.estimate, often.low, often.high) == pytest.approx((once.estimate, once.low, once.high))


def test_exchanging_the_models_turns_the_interval() -> None:
    labels, before, after, cases = two_scores(60)
    one, other = auc_difference(labels, before, after, cases), auc_difference(labels, after, before, cases)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_two_perfect_models_are_not_known_to_be_equal() -> None:
    labels = np.arange(50) < 20
    found = auc_difference(labels, labels + 0.0, 2.0 * labels + np.arange(50) / 100, range(50))
    assert found.estimate == 0
    assert found.low < -0.1 < 0.1 < found.high


def test_p_of_a_fall_agrees_with_the_one_sided_bound() -> None:
    labels, before, after, cases = two_scores(150, 2)
    high = auc_difference(labels, before, after, cases, level=0.9).high
    assert high < 0
    assert auc_worsening(labels, before, after, cases, tolerated=-high) == pytest.approx(0.05, abs=1e-6)
    assert auc_worsening(labels, before, after, cases) < 0.05
    assert auc_worsening(labels, after, before, cases) > 0.95
    assert auc_worsening(labels, before, before, cases) == pytest.approx(0.5)


def test_a_change_of_auc_without_both_classes_is_undefined() -> None:
    labels, scores = np.ones(3, dtype=bool), np.arange(3.0)
    assert auc_difference(labels, scores, scores, range(3)).estimate is None
    assert auc_worsening(labels, scores, scores, range(3)) is None
