"""Intervals and tests against closed forms, SciPy and scikit-learn. Their coverage: test_metrics_coverage.py."""

import math
from itertools import product

import numpy as np
import pytest
from pace import least_seconds, pace
from scipy import stats
from sklearn.metrics import roc_auc_score

from xaiaudit.metrics.auc import disjoint_pairs, perfect_bound
from xaiaudit.metrics.statistics import (
    auc,
    bootstrap,
    bound,
    distribution,
    holm,
    proportion,
    sign_flip,
    wilcoxon,
)


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


def test_a_flip_seen_in_one_case_never_tightens_what_no_flip_would_show() -> None:
    cases = np.repeat(np.arange(100), 4)
    none, one, pair = (proportion(flags(k, 400), cases) for k in (0, 1, 2))
    assert none.high < one.high < pair.high
    # deff seen is 1, so that 400 images would be asked for; but it is seen from one case with a hit: t of about two
    # degrees of freedom asks for fewer than the 100 cases, and 100 is the least there is
    assert one.effective == pytest.approx(100)
    assert one.high == pytest.approx(
        stats.binomtest(25, 10_000).proportion_ci(method="wilson").high, abs=0.05
    )


def test_the_degrees_of_freedom_of_rare_hits_by_hand() -> None:
    # 6 of 40 cases of 3 images have one hit: share 1/20. Deviations of the cases from 3 / 20: 17/20 and -3/20.
    hits, cases = np.arange(120) % 20 == 0, np.repeat(np.arange(40), 3)
    squares = np.where(np.arange(40) < 6, (17 / 20) ** 2, (3 / 20) ** 2)
    freedom = 2 * squares.sum() ** 2 / ((squares - squares.mean()) ** 2).sum()
    variance = 40 / 39 * squares.sum() / 120**2
    ratio = stats.t.ppf(0.975, 119) / stats.t.ppf(0.975, freedom)
    expected = 0.05 * 0.95 / variance * ratio**2
    assert 2 * 6 < freedom < 39
    assert 40 < expected < 120
    assert proportion(hits, cases).effective == pytest.approx(expected)


def test_shares_of_hits_count_as_wide_as_hits_of_the_same_mean() -> None:
    assert proportion(np.array([0.0, 1.0, 1.0, 0.0]), range(4)).high == pytest.approx(
        proportion(flags(2, 4), range(4)).high
    )
    assert proportion(np.array([0.25, 0.75, 0.75, 0.25]), range(4)).high == pytest.approx(
        proportion(flags(2, 4), range(4)).high
    )


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 10), (7, 30), (99, 100), (10, 10)])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_with_one_image_a_case_a_bound_is_clopper_and_pearsons(hits: int, n: int, side: str) -> None:
    alternative = "less" if side == "upper" else "greater"
    expected = stats.binomtest(hits, n, alternative=alternative).proportion_ci(0.95, method="exact")
    found = bound(flags(hits, n), range(n), side)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (found.level, found.estimate) == (pytest.approx(0.9), hits / n)


def test_a_bound_of_identical_images_counts_cases() -> None:
    often = bound(np.repeat(flags(3, 10), 4), np.repeat(np.arange(10), 4))
    assert often.high == pytest.approx(bound(flags(3, 10), range(10)).high)
    assert bound(flags(0, 40), np.repeat(np.arange(10), 4)).high == pytest.approx(1 - 0.05 ** (1 / 10))
    assert bound(flags(0, 0), []).high is None


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


def test_ten_values_have_students_interval() -> None:
    values = np.random.default_rng(5).normal(size=10)
    interval = bootstrap(values, range(10))
    expected = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx(expected, rel=0.15)
    assert interval.high - interval.low > 1.1 * 2 * 1.96 * values.std() / math.sqrt(10)  # plain percentiles


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


def test_draws_that_are_kept_are_those_that_are_made_anew_and_nobody_writes_into_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from xaiaudit.metrics import bootstrap as module

    index = np.array([0, 0, 1, 2])
    kept = [*module.draw_cases(index, 3, 50_000, seed=4)]
    with pytest.raises(ValueError, match="read-only"):
        kept[0][0] = 1
    monkeypatch.setattr(module, "KEPT", 0)
    for one, other in zip(kept, module.draw_cases(index, 3, 50_000, seed=4), strict=True):
        assert np.array_equal(one, other)
    other = np.concatenate([*module.draw_cases(index, 3, 50_000, seed=5)])
    assert not np.array_equal(np.concatenate(kept), other)


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
def test_a_thousand_cases_take_about_twenty_paces(statistic: str) -> None:
    values = np.random.default_rng(0).normal(size=1000)
    taken = least_seconds(lambda: bootstrap(values, range(1000), statistic), 3)
    assert taken < 100 * pace()  # 18 to 28 measured: a loop over the resamples would take thousands


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


def changes_of_cases(n: int, drift: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """Before, after, case and mean change of n cases of three images; two cases are unchanged, one value missing."""
    rng = np.random.default_rng(0)
    before, cases = rng.random(3 * n), np.repeat(np.arange(n), 3)
    after = before + rng.normal(drift, 0.3, 3 * n)
    after[:6] = before[:6]
    after[10] = np.nan
    return before, after, cases, [np.nanmean((after - before)[cases == c]) for c in range(n)]


def test_wilcoxon_of_few_cases_is_exact_with_ties_and_zeros() -> None:
    before, after, cases, means = changes_of_cases(10)
    means[4] = -means[5]  # a tie
    after[15:18] = before[15:18] + means[5]
    after[12:15] = before[12:15] - means[5]
    ranks = stats.rankdata(np.abs(means)) * np.sign(means)
    sums = [abs(np.dot(signs, np.abs(ranks))) for signs in product((-1, 1), repeat=10)]
    exact = np.mean(np.array(sums) >= abs(ranks.sum()) - 1e-9)
    assert wilcoxon(before, after, cases) == pytest.approx(exact)
    assert exact == pytest.approx(
        stats.wilcoxon(means, zero_method="pratt", method=stats.PermutationMethod()).pvalue
    )


def test_wilcoxon_is_scipys_exact_one_without_ties_and_the_normal_one_of_many_cases() -> None:
    change = np.random.default_rng(0).normal(0.2, 1, 40)
    assert wilcoxon(np.zeros(40), change, range(40)) == pytest.approx(
        stats.wilcoxon(change, method="exact").pvalue
    )
    before, after, cases, means = changes_of_cases(201, 0.03)
    expected = stats.wilcoxon(means, zero_method="pratt", method="asymptotic").pvalue
    assert wilcoxon(before, after, cases) == pytest.approx(expected)
    before, after, cases, means = changes_of_cases(200, 0.03)
    expected = stats.wilcoxon(means, zero_method="pratt", method="asymptotic").pvalue
    assert wilcoxon(before, after, cases) == pytest.approx(expected, rel=0.05)  # no step where one ends


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


def test_a_case_may_hold_both_classes_as_obuchowski_writes_it() -> None:
    rng = np.random.default_rng(4)
    cases = np.repeat(np.arange(15), 4)
    labels, scores = rng.random(60) < 0.4, rng.normal(size=15)[cases] + rng.normal(size=60)
    scores = scores + 0.8 * labels
    order = np.heaviside(scores[labels][:, None] - scores[~labels][None], 0.5)
    area, m, n = order.mean(), labels.sum(), (~labels).sum()
    x = [(order.mean(1) - area)[cases[labels] == c].sum() for c in range(15)]
    y = [(order.mean(0) - area)[cases[~labels] == c].sum() for c in range(15)]
    diseased, healthy = len(set(cases[labels])), len(set(cases[~labels]))
    variance = (
        diseased / ((diseased - 1) * m) * np.dot(x, x) / m
        + healthy / ((healthy - 1) * n) * np.dot(y, y) / n
        + 2 * 15 / 14 * np.dot(x, y) / (m * n)
    )
    assert abs(np.dot(x, y)) > 0.1 * np.dot(x, x)  # the joint term is not small
    half = 1.959964 * math.sqrt(variance) / (area * (1 - area))
    found = auc(labels, scores, cases)
    assert found.low == pytest.approx(1 / (1 + math.exp(-(math.log(area / (1 - area)) - half))), abs=1e-6)


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
    assert disjoint_pairs(np.array(labels, dtype=bool), index, len(set(cases))) == pairs


def test_with_fewer_than_six_pairs_not_even_a_perfect_auc_is_shown_to_beat_chance() -> None:
    for pairs in range(1, 12):
        labels = np.repeat([False, True], pairs)
        perfect = auc(labels, labels.astype(float), range(2 * pairs))
        assert perfect.low == perfect_bound(pairs)
        assert (perfect.low > 0.5) == (pairs >= 6)


def test_an_auc_without_both_classes_or_without_variance_has_no_bounds() -> None:
    missing = auc(flags(3, 3), np.arange(3.0), range(3))
    assert (missing.estimate, missing.low, missing.n) == (None, None, 3)
    constant = auc(flags(3, 6), np.zeros(6), range(6))
    assert (constant.estimate, constant.low, constant.high) == (0.5, None, None)
