"""Multiples of natural variability by hand, and that their intervals cover."""

import numpy as np
import pytest

from xaiaudit.metrics.multiples import LIKENESS, amount, farther, median_amount, times
from xaiaudit.records import SHIFT_METRICS

INF, NAN = np.inf, np.nan


def no_flags(n: int) -> np.ndarray:
    return np.zeros(n, bool)


def test_more_is_farther_for_every_metric() -> None:
    still = np.array([1.0, 0.4])
    for metric in SHIFT_METRICS:
        moved = amount(metric, still, no_flags(2))
        np.testing.assert_allclose(moved, [0, 0.6] if metric in LIKENESS else [1.0, 0.4])
    assert {m for m in SHIFT_METRICS if not m.endswith(("_mm", "_diagonal"))} == LIKENESS


def test_a_vanished_map_moved_farthest_and_an_undefined_value_says_nothing() -> None:
    found = amount("ssim", np.array([0.9, NAN, NAN]), np.array([False, True, False]))
    np.testing.assert_allclose(found, [0.1, INF, NAN])
    assert median_amount(np.array([1.0, 2, INF])) == 2
    assert median_amount(np.array([1.0, INF])) is None
    assert median_amount(np.array([NAN])) is None
    assert median_amount(np.array([1.0, NAN])) == 1


def test_a_ratio_of_medians_by_hand() -> None:
    attack, natural = np.array([2.0, 6, 4, NAN, 9]), np.array([1.0, 1, 3, 5, NAN])
    found = times(attack, natural, list("abcde"))
    assert found.estimate == pytest.approx(4 / 1)
    assert (found.n, found.cases) == (3, 3)
    alike = times(natural[:4], natural[:4], list("abcd"))
    assert (alike.estimate, alike.low, alike.high) == (1, 1, 1)  # the same cases are drawn for both


def test_where_nothing_moves_by_nature_there_is_no_multiple_but_it_may_have_a_lower_bound() -> None:
    cases = [str(i) for i in range(40)]
    attack = np.full(40, 3.0)
    assert times(attack, np.zeros(40), cases).estimate is None
    few = np.where(np.arange(40) < 19, 1.0, 0.0)  # the median is 0, in nearly half of the resamples it is not
    found = times(attack, few, cases)
    assert (found.estimate, found.low, found.high) == (None, 3.0, None)
    vanished = times(np.full(40, INF), np.ones(40), cases)
    assert (vanished.estimate, vanished.low, vanished.high) == (None, None, None)
    neither = times(np.zeros(40), np.zeros(40), cases)
    assert (neither.estimate, neither.low, neither.high) == (None, None, None)


def test_one_case_has_no_interval_and_no_image_nothing() -> None:
    found = times(np.array([2.0, 4]), np.array([1.0, 1]), ["a", "a"])
    assert (found.estimate, found.low, found.high) == (3, None, None)
    empty = times(np.array([NAN]), np.array([1.0]), ["a"])
    assert (empty.estimate, empty.low, empty.high, empty.n) == (None, None, None, 0)


def test_farther_than_every_change() -> None:
    attack = np.array([2.0, 2, INF, INF, NAN, 1])
    natural = np.array([[1.0, 1.9], [1, 2], [5, 5], [5, INF], [0, 0], [NAN, 0]])
    found = farther(attack, natural, list("abcdef"))
    assert found.n == 4
    assert found.estimate == 0.5  # a tie is not farther, nor is a map that a change makes vanish too


def test_one_more_change_like_the_others_is_farthest_by_its_chance() -> None:
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(4000, 9))
    found = farther(draws[:, 0], draws[:, 1:], np.arange(4000))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 / 9 < found.high


def coverage(trials: int, resamples: int) -> tuple[float, float]:
    """How often the interval holds the true ratio of 3, and how wide it is in the median (high / low).

    40 cases of two images, log-normal amounts, paired.
    """
    rng, cases = np.random.default_rng(1), np.repeat(np.arange(40), 2)
    hits, widths = 0, []
    for trial in range(trials):
        own = rng.normal(size=40).repeat(2)  # what the images of a case share
        natural = np.exp(0.5 * own + 0.3 * rng.normal(size=80))
        attack = 3 * np.exp(0.5 * own + 0.3 * rng.normal(size=80))
        found = times(attack, natural, cases, resamples=resamples, seed=trial)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 3 <= found.high
        widths.append(found.high / found.low)
    return hits / trials, float(np.median(widths))


def test_the_interval_of_a_multiple_covers() -> None:
    share, width = coverage(200, 600)
    assert share >= 0.92
    assert width < 1.6


@pytest.mark.slow
def test_the_interval_of_a_multiple_covers_in_a_long_simulation() -> None:
    share, _ = coverage(2000, 2000)
    assert 0.94 <= share <= 0.985  # percentile intervals of medians are a little too wide
