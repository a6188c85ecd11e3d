"""Rates of two groups: Newcombe's printed intervals, Fisher's test, and size where images of a case agree."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from xaiaudit.metrics.contrast import permutation, rate_difference
from xaiaudit.metrics.proportions import proportion


def rate(hits: int, n: int):
    return proportion(np.arange(n) < hits, range(n))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_is_that_of_newcombe(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = rate_difference(rate(*first), rate(*second), cases=20)
    assert found.estimate == pytest.approx(first[0] / first[1] - second[0] / second[1])
    if first != (10, 10):  # where all agree ours takes n as the number of cases, as Wilson's own
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.high <= 1


def test_a_group_without_images_has_no_difference() -> None:
    assert rate_difference(rate(3, 5), rate(0, 0), cases=5).estimate is None
    assert permutation(np.array([1.0, 0.0]), np.array([True, True]), [0, 1]) is None


def test_with_one_image_a_case_it_is_fishers_test() -> None:
    hits = np.array([1.0] * 9 + [0.0] * 1 + [1.0] * 3 + [0.0] * 7)
    group = np.arange(20) < 10
    table = hypergeom(20, 12, 10)
    places = np.arange(21)
    exact = table.pmf(places)[np.abs(places - 6) >= 3].sum()  # as far from the mean of 6 as 9 is
    assert permutation(hits, group, range(20), resamples=40_000) == pytest.approx(exact, abs=0.003)


def test_images_of_one_case_are_one_word() -> None:
    """Four cases of ten equal images each: 2 of 4 exchanges in 6 are as extreme as what was seen."""
    hits, group = np.repeat([1.0, 1.0, 0.0, 0.0], 10), np.repeat([True, True, False, False], 10)
    assert permutation(hits, group, np.repeat(range(4), 10)) == pytest.approx(1 / 3, abs=0.02)
    assert permutation(hits, group, range(40)) < 0.001  # what ignoring the cases would claim


def test_a_case_without_a_partner_tells_nothing() -> None:
    assert permutation(np.array([1.0, 1.0, 0.0]), np.array([True, True, False]), [0, 0, 1]) == 1


def test_size_under_clustering() -> None:
    assert _rejections(2000) == pytest.approx(0.05, abs=0.015)


def _rejections(rounds: int) -> float:
    rng = np.random.default_rng(0)
    cases = np.repeat(np.arange(30), 3)
    rejected = 0
    for _ in range(rounds):
        group = np.repeat(rng.random(30) < 0.5, 3) ^ (rng.random(90) < 0.1)
        hits = (np.repeat(rng.random(30), 3) > rng.random(90)).astype(float)
        rejected += (permutation(hits, group, cases, resamples=199) or 1) <= 0.05
    return rejected / rounds
