"""Rates of two groups: Newcombe's printed intervals, Fisher's test, and size where images of a case agree."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import hypergeom, multivariate_hypergeom

from xaiaudit.metrics.contrast import permutation, permutation_among, rate_difference
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
    assert _rejections(1000) == pytest.approx(0.05, abs=0.021)


def _rejections(rounds: int) -> float:
    rng = np.random.default_rng(0)
    cases = np.repeat(np.arange(30), 3)
    rejected = 0
    for _ in range(rounds):
        group = np.repeat(rng.random(30) < 0.5, 3) ^ (rng.random(90) < 0.1)
        hits = (np.repeat(rng.random(30), 3) > rng.random(90)).astype(float)
        rejected += (permutation(hits, group, cases, resamples=199) or 1) <= 0.05
    return rejected / rounds


def test_three_groups_with_one_image_a_case_are_the_exact_chi_square_test() -> None:
    """Groups of 6, 5 and 4 with 5, 1 and 2 hits: all tables of 8 hits whose chi-square is as large."""
    sizes, hits = np.array([6, 5, 4]), np.array([5, 1, 2])

    def distance(table: np.ndarray) -> float:
        return float(((table - sizes * 8 / 15) ** 2 / sizes).sum())

    tables = [np.array(t) for t in product(*(range(size + 1) for size in sizes)) if sum(t) == 8]
    chance = multivariate_hypergeom(sizes, 8)
    exact = sum(chance.pmf(t) for t in tables if distance(t) >= distance(hits) - 1e-9)
    groups = np.repeat(range(3), sizes)
    values = np.concatenate([np.arange(size) < hit for size, hit in zip(sizes, hits, strict=True)])
    found, adjusted = permutation_among(values[:, None].astype(float), groups, range(15), resamples=40_000)
    assert found[0] == pytest.approx(exact, abs=0.004)
    assert adjusted[0] == pytest.approx(exact, abs=0.004)  # of one kind there is nothing to adjust


def test_each_kind_of_value_is_tested_by_the_same_exchanges() -> None:
    rng = np.random.default_rng(2)
    values, groups, cases = rng.random((60, 3)), rng.integers(0, 3, 60), rng.integers(0, 25, 60)
    together, adjusted = permutation_among(values, groups, cases, resamples=500)
    alone = [permutation_among(values[:, [k]], groups, cases, resamples=500)[0][0] for k in range(3)]
    assert together.tolist() == alone
    assert (adjusted >= together).all()


def test_kinds_that_tell_the_same_count_once_and_others_as_so_many_chances() -> None:
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 2, 80)
    value = rng.normal(size=80) + 0.8 * groups
    same, adjusted = permutation_among(np.stack([value] * 4, 1), groups, range(80), resamples=4000)
    np.testing.assert_allclose(adjusted, same, rtol=0.1)
    noise = rng.normal(size=(80, 3))
    p, adjusted = permutation_among(np.column_stack([value, noise]), groups, range(80), resamples=4000)
    assert p[0] < 0.02
    assert adjusted[0] == pytest.approx(1 - (1 - p[0]) ** 4, rel=0.25)  # four independent chances


def test_a_value_that_is_not_there_moves_with_its_case_and_counts_nothing() -> None:
    """Six cases, of which one has no value: 3 of the 20 ways to place three groups' worth are as far apart."""
    values = np.array([1.0, 1.0, np.nan, 0.0, 0.0, 0.0])
    found = permutation_among(values[:, None], np.array([0, 0, 0, 1, 1, 1]), range(6), resamples=40_000)[0]
    # distances 0.6, 0.6, 0, -0.4 x 3: both groups hold +-1.2 for {1, 1, nan} | {0, 0, 0} and its mirror, of 20 parts
    assert found[0] == pytest.approx(2 / 20, abs=0.006)


def test_what_a_stratum_explains_is_no_difference() -> None:
    """Values follow the stratum alone, and the groups hold other shares of it."""
    strata = np.array([0] * 16 + [1] * 4 + [0] * 4 + [1] * 16)
    groups, values = np.repeat([0, 1], 20), strata[:, None].astype(float)
    assert permutation_among(values, groups, range(40))[0][0] < 0.001
    assert permutation_among(values, groups, range(40), strata=strata)[0][0] == 1
    # within a case, values keep to the images of their stratum: here no exchange can change anything
    pairs = np.repeat(range(20), 2)
    mixed = np.tile([0, 1], 20)
    shuffled = np.concatenate([order for order in ([1, 0], [0, 1]) for _ in range(10)]) + np.repeat(
        range(0, 40, 2), 2
    )
    assert permutation_among(mixed[shuffled, None] * 1.0, groups, pairs, strata=mixed[shuffled])[0][0] == 1


def test_cases_of_equal_strata_are_partners_in_whatever_order_their_images_stand() -> None:
    """Four cases of two images: 2 of their 6 exchanges are as extreme as what was seen."""
    hits, groups = np.repeat([1.0, 0.0], 4)[:, None], np.repeat([0, 1], 4)
    strata = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    found = permutation_among(hits, groups, np.repeat(range(4), 2), strata=strata)[0][0]
    assert found == pytest.approx(1 / 3, abs=0.02)


def test_size_within_strata_and_cases_of_one_rate_and_of_any_of_three() -> None:
    rng = np.random.default_rng(0)
    cases, rejected = np.repeat(np.arange(40), 2), np.zeros(2)
    for _ in range(400):
        strata = np.repeat(rng.random(40) < 0.4, 2).astype(int)
        groups = np.repeat(
            rng.integers(0, 2, 40) + (rng.random(40) < 0.7) * strata[::2], 2
        )  # 0, 1 or 2, by stratum
        chance = np.repeat(rng.random((40, 3)), 2, axis=0) * 0.6 + 0.4 * rng.random((80, 3))
        hits = (chance < np.where(strata, 0.7, 0.3)[:, None]).astype(float)
        ps, adjusted = permutation_among(hits, groups, cases, strata=strata, resamples=199)
        rejected += ps[0] <= 0.05, adjusted.min() <= 0.05
    assert rejected / 400 == pytest.approx(np.full(2, 0.05), abs=0.033)  # three standard errors
