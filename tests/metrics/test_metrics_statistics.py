"""Intervals and tests against closed forms, SciPy and scikit-learn, and their coverage by simulation."""

import math
import time
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from xaiaudit.metrics.auc import _disjoint_pairs
from xaiaudit.metrics.statistics import auc, bootstrap, distribution, holm, proportion, sign_flip, wilcoxon


def flags(hits: int, n: int) -> np.ndarray:
    return np.arange(n) < hits


# Proportions


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 10), (7, 30), (99, 100), (10, 10)])
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_with_one_image_a_case_a_proportion_has_wilsons_interval(hits: int, n: int, level: float) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    interval = proportion(flags(hits, n), range(n), level=level)
    assert (interval.estimate, interval.n, interval.cases) == (hits / n, n, n)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_identical_images_count_once_a_case() -> None:
    hits, cases = np.repeat(flags(3, 10), 4), np.repeat(np.arange(10), 4)
    expected = stats.binomtest(3, 10).proportion_ci(method="wilson")
    interval = proportion(hits, cases)
    # Student's t with 9 degrees of freedom asks for fewer still, but 10 cases are never fewer than 10 images
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_where_all_cases_agree_the_cases_count() -> None:
    assert proportion(flags(0, 10), ["a"] * 10).high == pytest.approx(
        stats.norm.ppf(0.975) ** 2 / (1 + 1.96**2), rel=1e-4
    )
    half = stats.binomtest(0, 5).proportion_ci(method="wilson")
    assert proportion(flags(0, 10), np.repeat(np.arange(5), 2)).high == pytest.approx(half.high)
    assert proportion(flags(10, 10), range(10)).low < 1


def test_the_effective_number_of_images_follows_the_variance_between_cases_by_hand() -> None:
    # 4 cases of 2 images with 2, 1, 1, 0 hits: share 1/2, variance 4/3 * (1 + 0 + 0 + 1) / 64 = 1/24, of
    # independent images 1/32: deff 4/3, so 6 images, times (t_7 / t_3)^2 of few cases, at least n / 2.
    interval = proportion(np.array([1, 1, 1, 0, 0, 1, 0, 0], dtype=bool), np.repeat(np.arange(4), 2))
    effective = max(6 * (stats.t.ppf(0.975, 7) / stats.t.ppf(0.975, 3)) ** 2, 4)
    z2 = stats.norm.ppf(0.975) ** 2
    half = math.sqrt(z2 / (4 * effective) + z2**2 / (4 * effective**2)) / (1 + z2 / effective)
    assert (interval.low, interval.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_a_proportion_of_nothing_is_undefined() -> None:
    interval = proportion(flags(0, 0), [])
    assert (interval.estimate, interval.low, interval.high, interval.n) == (None, None, None, 0)


def test_one_case_id_an_image_is_asked_for() -> None:
    with pytest.raises(ValueError, match="2 case ids for 3 images"):
        proportion(flags(1, 3), ["a", "b"])


def coverage(share: float, correlation: float, cases: int, size: int, repeats: int) -> float:
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(cases), size)
    spread = 1 / correlation - 1
    covered = 0
    for _ in range(repeats):
        hits = rng.random(cases * size) < rng.beta(share * spread, (1 - share) * spread, cases)[index]
        interval = proportion(hits, index)
        covered += interval.low <= share <= interval.high
    return covered / repeats


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95, 0.99])
def test_proportions_cover_the_truth(share: float) -> None:
    assert coverage(share, 0.3, cases=50, size=4, repeats=400) > 0.91


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95, 0.99])
@pytest.mark.parametrize("correlation", [0.05, 0.3, 0.7])
@pytest.mark.parametrize(("cases", "size"), [(20, 5), (100, 3), (300, 2)])
def test_proportions_cover_the_truth_at_length(
    share: float, correlation: float, cases: int, size: int
) -> None:
    # Discrete data at the ends: Wilson itself, with independent images, falls to 0.90 there.
    assert coverage(share, correlation, cases, size, repeats=10_000) > 0.89


# Bootstrap


def test_the_bootstrap_of_a_mean_spreads_like_its_standard_error() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, 400)
    interval = bootstrap(values, range(400))
    half = 1.96 * values.std() / 20
    assert interval.estimate == pytest.approx(values.mean(), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.02
    )


def test_repeating_every_image_of_a_case_does_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=40)
    once = bootstrap(values, range(40))
    thrice = bootstrap(np.repeat(values, 3), np.repeat(np.arange(40), 3))
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert (thrice.n, thrice.cases) == (120, 40)


@pytest.mark.parametrize("n", [7, 8])
def test_the_median_of_resamples_is_that_of_numpy(n: int) -> None:
    rng = np.random.default_rng(1)
    values, drawn = rng.normal(size=n), rng.integers(n, size=(200, n))
    weights = np.stack([np.bincount(row, minlength=n) for row in drawn])
    seen = []
    bootstrap(values, range(n), lambda v, w: seen.append((v, w)) or np.zeros(len(w)), resamples=1)
    from xaiaudit.metrics.bootstrap import weighted_median

    assert np.allclose(weighted_median(values, weights), np.median(values[drawn], axis=1))


def test_equal_seeds_give_equal_intervals_and_missing_values_are_left_out() -> None:
    values = np.array([1.0, np.nan, 2.0, 4.0, np.nan])
    first, again = (bootstrap(values, list("abcde"), "median", seed=3) for _ in range(2))
    assert first == again
    assert (first.estimate, first.n, first.cases) == (2.0, 3, 3)


def test_degenerate_bootstraps_say_so() -> None:
    nothing = bootstrap(np.array([np.nan]), ["a"])
    assert (nothing.estimate, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)
    one_case = bootstrap(np.array([1.0, 3.0]), ["a", "a"])
    assert (one_case.estimate, one_case.low, one_case.high) == (2.0, None, None)
    constant = bootstrap(np.full(5, 0.1), range(5))
    assert (constant.estimate, constant.low, constant.high) == (0.1, 0.1, 0.1)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_thousand_cases_take_about_a_second(statistic: str) -> None:
    values = np.random.default_rng(0).normal(size=1000)
    bootstrap(values[:10], range(10), statistic)
    start = time.process_time()
    bootstrap(values, range(1000), statistic)
    assert time.process_time() - start < 3  # 0.3 to 0.6 s alone on a core


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_bootstraps_cover_the_truth(statistic: str) -> None:
    rng = np.random.default_rng(0)
    index, covered = np.repeat(np.arange(60), 3), 0
    for _ in range(400):
        values = rng.normal(size=60)[index] + rng.normal(size=180)
        interval = bootstrap(values, index, statistic, resamples=2000)
        covered += interval.low <= 0 <= interval.high
    assert 0.91 < covered / 400 < 0.98


def test_a_distribution_has_quartiles_and_the_interval_of_its_median() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0, np.nan])
    found = distribution(values, range(6))
    assert (found.n, found.q1, found.median, found.q3, found.maximum) == (5, 2, 3, 4, 10)
    assert found.median_interval is not None
    assert found.median_interval.low <= 3 <= found.median_interval.high
    assert distribution(np.array([np.nan]), ["a"]).median is None


# Paired tests


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 1), (12, 3), (40, 2)])
def test_with_one_image_a_case_sign_flips_are_mcnemars_exact_test(gained: int, lost: int) -> None:
    before = np.array([False] * gained + [True] * lost + [True] * 10)
    after = np.array([True] * gained + [False] * lost + [True] * 10)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert sign_flip(before, after, range(len(before))) == pytest.approx(expected, rel=1e-9)


def test_sign_flips_of_case_sums_equal_full_enumeration() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random(30) < 0.7, rng.random(30) < 0.3
    cases = rng.integers(8, size=30)
    change = np.array([(after[cases == c].astype(int) - before[cases == c]).sum() for c in range(8)])
    sums = [abs(np.dot(signs, change)) for signs in product((-1, 1), repeat=8)]
    assert sign_flip(before, after, cases) == pytest.approx(np.mean(np.array(sums) >= abs(change.sum())))


def test_sign_flip_of_nothing_is_undefined() -> None:
    assert sign_flip(flags(0, 0), flags(0, 0), []) is None


def test_wilcoxon_is_scipys_on_case_means_with_zeros_by_pratt() -> None:
    rng = np.random.default_rng(0)
    before, cases = rng.random(90), np.repeat(np.arange(30), 3)
    after = before + rng.normal(0.1, 0.3, 90)
    after[:6] = before[:6]  # two cases without a change
    after[10] = np.nan
    means = [np.nanmean((after - before)[cases == c]) for c in range(30)]
    assert wilcoxon(before, after, cases) == pytest.approx(stats.wilcoxon(means, zero_method="pratt").pvalue)


def test_wilcoxon_without_differences_or_without_pairs() -> None:
    same = np.array([0.2, 0.5])
    assert wilcoxon(same, same, ["a", "b"]) == 1.0
    assert wilcoxon(same, np.full(2, np.nan), ["a", "b"]) is None


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


# AUC


def delong_variance(labels: np.ndarray, scores: np.ndarray) -> float:
    order = np.heaviside(scores[labels][:, None] - scores[~labels][None], 0.5)
    return order.mean(1).var(ddof=1) / labels.sum() + order.mean(0).var(ddof=1) / (~labels).sum()


def test_auc_is_scikit_learns_and_its_interval_delongs_in_the_logit() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(120) < 0.4
    scores = np.round(rng.normal(size=120) + labels, 1)  # with ties
    interval = auc(labels, scores, range(120))
    area = roc_auc_score(labels, scores)
    half = 1.959964 * math.sqrt(delong_variance(labels, scores)) / (area * (1 - area))
    bounds = [1 / (1 + math.exp(-(math.log(area / (1 - area)) + sign * half))) for sign in (-1, 1)]
    assert interval.estimate == pytest.approx(area)
    assert [interval.low, interval.high] == pytest.approx(bounds, abs=1e-6)


def test_repeating_every_image_leaves_the_interval_of_an_auc_as_it_was() -> None:
    rng = np.random.default_rng(1)
    labels, index = rng.random(80) < 0.5, np.repeat(np.arange(80), 4)
    scores = rng.normal(size=80) + labels
    once, often = auc(labels, scores, range(80)), auc(labels[index], scores[index], index)
    assert (often.estimate, often.low, often.high) == pytest.approx((once.estimate, once.low, once.high))


def test_an_auc_is_exact_so_that_a_half_is_a_half() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0], dtype=bool)
    assert auc(labels, np.array([0.1, 0.3, 0.5, 0.2, 0.2, 0.4, 0.1]), range(7)).estimate == 7.5 / 12
    assert auc(labels, np.array([3.0, 0.0, 3.0, 1.0, 4.0, 1.0, 4.0]), range(7)).estimate == 4 / 12


def test_a_perfect_auc_has_an_exact_bound() -> None:
    labels = flags(20, 50)
    perfect = auc(labels, labels.astype(float), range(50))
    assert (perfect.estimate, perfect.high) == (1.0, 1.0)
    assert perfect.low == pytest.approx(0.025 ** (1 / 20))  # 20 pairs of cases, all ordered rightly
    worst = auc(labels, -labels.astype(float), range(50))
    assert (worst.estimate, worst.low, worst.high) == (0.0, 0.0, pytest.approx(1 - 0.025 ** (1 / 20)))
    one_wrong = auc(labels, np.where(np.arange(50) == 0, 0.5, labels) - (np.arange(50) == 1), range(50))
    assert one_wrong.low <= perfect.low


@pytest.mark.parametrize(
    ("labels", "cases", "pairs"),
    [([1, 1, 0], "abc", 1), ([1, 1, 0, 0], "aabc", 1), ([1, 0], "aa", 1), ([1, 0, 1, 0, 1, 0], "aabbcc", 1),
     ([1, 0, 1, 0, 1, 0], "aabbcd", 2)],
)  # fmt: skip
def test_pairs_that_share_no_case(labels: list[int], cases: str, pairs: int) -> None:
    index = np.array([ord(c) - ord("a") for c in cases])
    assert _disjoint_pairs(np.array(labels, dtype=bool), index, len(set(cases))) == pairs


def test_an_auc_without_both_classes_or_without_variance_has_no_bounds() -> None:
    missing = auc(flags(3, 3), np.arange(3.0), range(3))
    assert (missing.estimate, missing.low, missing.n) == (None, None, 3)
    constant = auc(flags(3, 6), np.zeros(6), range(6))
    assert (constant.estimate, constant.low, constant.high) == (0.5, None, None)


def auc_coverage(target: float, cases: tuple[int, int], size: int, repeats: int) -> float:
    rng = np.random.default_rng(0)
    labels, index = np.repeat(flags(cases[0], sum(cases)), size), np.repeat(np.arange(sum(cases)), size)
    distance, shared, covered = stats.norm.ppf(target) * math.sqrt(2), 0.6 if size > 1 else 0.0, 0
    for _ in range(repeats):
        noise = math.sqrt(shared) * rng.normal(size=sum(cases))[index] + math.sqrt(1 - shared) * rng.normal(
            size=len(index)
        )
        interval = auc(labels, noise + distance * labels, index)
        covered += interval.low <= target <= interval.high
    return covered / repeats


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95, 0.99])
def test_auc_intervals_cover_the_truth(target: float) -> None:
    assert auc_coverage(target, (25, 50), size=2, repeats=400) > 0.92


@pytest.mark.slow
@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("cases", [(10, 10), (20, 40), (40, 90)])
@pytest.mark.parametrize("size", [1, 3])
def test_auc_intervals_cover_the_truth_at_length(target: float, cases: tuple[int, int], size: int) -> None:
    assert auc_coverage(target, cases, size, repeats=4000) > 0.935
