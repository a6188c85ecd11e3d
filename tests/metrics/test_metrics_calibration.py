"""Calibration of probabilities: by hand, against scikit-learn, and what chance alone gives."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from scipy.stats import t
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from xaiaudit.metrics.calibration import (
    brier_scores,
    calibration_error,
    equal_bins,
    errors_by_chance,
    reliability_record,
)
from xaiaudit.metrics.calibration_line import calibration_line
from xaiaudit.records import CleanRecord, ReliabilityRecord


def two(odds: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(odds), odds], 1)


def drawn(n: int, *, sharpness: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels of known chance, and log-odds of it times `sharpness`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.5, n)
    return (rng.random(n) < expit(odds)).astype(int), sharpness * odds


def record(labels: np.ndarray, odds: np.ndarray, cases: object = None) -> ReliabilityRecord:
    found = reliability_record(labels, two(odds), range(len(labels)) if cases is None else cases, positive=1)
    assert found is not None
    return found


def test_brier_scores_by_hand() -> None:
    two_classes = brier_scores(np.array([1, 0, -1]), np.array([[0.25, 0.75], [0.25, 0.75], [0.5, 0.5]]))
    np.testing.assert_allclose(two_classes, [0.0625, 0.5625, np.nan])
    three = brier_scores(np.array([2, 0]), np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(three, [(0.04 + 0.09 + 0.25) / 2, 1.0])  # at worst 1, of any number of classes


def test_brier_score_and_curve_are_scikit_learns() -> None:
    labels, odds = drawn(300, sharpness=2.0)
    found = record(labels, odds)
    assert found.brier.estimate == pytest.approx(brier_score_loss(labels, expit(odds)))
    assert found.brier.low < found.brier.estimate < found.brier.high
    share = labels.mean()
    assert found.brier_of_shares == pytest.approx(brier_score_loss(labels, np.full(300, share)))
    true, given = calibration_curve(labels, expit(odds), n_bins=10, strategy="quantile")
    assert [b.positive_share.estimate for b in found.bins] == pytest.approx(true)
    assert [b.mean_probability for b in found.bins] == pytest.approx(given)
    assert {b.positive_share.n for b in found.bins} == {30}
    assert all(a.high < b.low for a, b in zip(found.bins[:-1], found.bins[1:], strict=True))


def test_brier_score_of_three_classes_is_half_the_sum_of_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    labels, logits = rng.integers(0, 3, 90), rng.normal(size=(90, 3))
    found = reliability_record(labels, logits, range(90), positive=1)
    given = softmax(logits, axis=1)
    assert found.brier.estimate == pytest.approx(
        sum(brier_score_loss(labels == k, given[:, k]) for k in range(3)) / 2
    )
    assert found.mean_probability == pytest.approx(given[:, 1].mean())
    own = labels == 1
    assert found.ece == pytest.approx(calibration_error(own, given[:, 1], equal_bins(given[:, 1], 10)))
    assert found.slope.estimate == pytest.approx(
        LogisticRegression(C=np.inf).fit(logit(given[:, 1])[:, None], own).coef_[0, 0], abs=1e-3
    )


def test_the_calibration_error_by_hand() -> None:
    """Twenty images in two bins: 2 of 10 positive where 0.1 was said, 7 of 10 where 0.8 was said."""
    chances = np.repeat([0.1, 0.8], 10)
    hits = np.array([1] * 2 + [0] * 8 + [1] * 7 + [0] * 3)
    assert equal_bins(chances, 10).tolist() == [0] * 10 + [1] * 10
    found = record(hits, logit(chances))
    assert found.ece == pytest.approx((0.1 + 0.1) / 2)
    assert [b.positive_share.estimate for b in found.bins] == pytest.approx([0.2, 0.7])


def test_bins_hold_ten_images_or_more_and_equal_values_together() -> None:
    values = np.arange(35.0)
    assert np.bincount(equal_bins(values, 10)).tolist() == [12, 11, 12]
    values[:20] = 0.0
    assert np.bincount(equal_bins(values, 10)).tolist() == [
        20,
        15,
    ]  # the middle third has but three of its own
    assert np.bincount(equal_bins(-values, 10)).tolist() == [12, 23]
    assert equal_bins(np.zeros(50), 10).max() == 0
    ties = np.append(np.zeros(18), np.arange(1.0, 8.0))
    assert equal_bins(ties, 10).max() == 0  # the last seven make no bin
    assert np.bincount(equal_bins(np.append(np.arange(-15.0, 0.0), ties), 10)).tolist() == [10, 30]
    assert equal_bins(values[:12], 10).max() == 0


def test_chance_alone_gives_the_error_that_its_binomials_give() -> None:
    """Twenty images in one bin at 0.5: the mean of |B - 10| / 20, B binomial, is C(19, 9) 20 / 2^20 / 20."""
    chances, bins = np.full(20, 0.5), np.zeros(20, int)
    drawn = errors_by_chance(chances, bins, range(20), draws=20_000)
    assert drawn.mean() == pytest.approx(92378 / 2**20, abs=0.002)
    one_case = errors_by_chance(chances, bins, ["a"] * 20, draws=2000)
    assert set(one_case) == {0.5}  # all images of a case are positive, or none


def test_an_error_as_large_as_one_of_chances_is_no_larger() -> None:
    """Forty images at 0.3 and 0.7: every error is a multiple of 1/40, and those of chance are the same multiples."""
    chances = np.repeat([0.3, 0.7], 20)
    bins = equal_bins(chances, 10)
    by_chance = set(errors_by_chance(chances, bins, range(40)).tolist())
    few, many = np.arange(3, 10), np.arange(11, 18)  # of 20 positive, each sum of which is drawn
    counts = [(a, b) for a in few for b in many]
    hits = [np.concatenate([np.arange(20) < a, np.arange(20) < b]) for a, b in counts]
    assert {calibration_error(own, chances, bins) for own in hits} <= by_chance


def test_right_probabilities_are_within_chance_and_sharpened_ones_are_not() -> None:
    found = []
    for seed in range(40):
        labels, odds = drawn(200, seed=seed)
        bins = equal_bins(expit(odds), 10)
        by_chance = errors_by_chance(expit(odds), bins, range(200), draws=400)
        found.append((calibration_error(labels == 1, expit(odds), bins), by_chance.mean(), by_chance))
    above = sum(error > np.quantile(by_chance, 0.95) for error, _, by_chance in found)
    assert above <= 6  # 2 of 40 are expected; 7 or more have a chance of 0.3 %
    errors, expected = np.array([pair[:2] for pair in found]).T
    assert errors.mean() == pytest.approx(expected.mean(), abs=0.008)
    sharp = record(*drawn(200, sharpness=3.0))
    assert sharp.ece > sharp.ece_by_chance_high > sharp.ece_by_chance
    chances = expit(drawn(200, sharpness=3.0)[1])
    by_chance = errors_by_chance(chances, equal_bins(chances, 10), range(200))
    below, reached = by_chance < sharp.ece_by_chance_high, by_chance <= sharp.ece_by_chance_high
    assert below.mean() <= 0.95 <= reached.mean()
    assert sharp.slope.high < 1


def test_the_line_is_scikit_learns_and_knows_the_truth() -> None:
    labels, odds = drawn(4000, sharpness=2.0, seed=1)
    hits = labels == 1
    intercept, slope = calibration_line(hits, odds, range(4000))
    fit = LogisticRegression(C=np.inf, tol=1e-8).fit(odds[:, None], labels)
    assert slope.estimate == pytest.approx(fit.coef_[0, 0], abs=1e-4)
    assert slope.low < 0.5 < slope.high
    # at the likeliest intercept the mean chance is the share of hits
    assert expit(odds + intercept.estimate).mean() == pytest.approx(labels.mean())
    moved, same = calibration_line(hits, odds + 1, range(4000))
    assert moved.estimate == pytest.approx(intercept.estimate - 1)
    assert same.estimate == pytest.approx(slope.estimate)


def test_the_line_counts_cases_and_not_images() -> None:
    labels, odds = drawn(100)
    _, once = calibration_line(labels == 1, odds, range(100))
    _, thrice = calibration_line(np.repeat(labels, 3) == 1, np.repeat(odds, 3), np.repeat(np.arange(100), 3))
    assert thrice.estimate == pytest.approx(once.estimate)
    # between cases, and once no less than of so many independent images, which is a little more here
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.03)
    assert (thrice.n, thrice.cases) == (300, 100)


def test_the_interval_of_the_intercept_by_hand() -> None:
    """Of even odds the likeliest intercept is the logit of the share p, of variance 1 / ((n - 1) p (1 - p))."""
    intercept, slope = calibration_line(np.arange(20) < 5, np.zeros(20), range(20))
    half = t.ppf(0.975, 19) / np.sqrt(19 * 0.25 * 0.75)
    assert slope is None
    assert intercept is not None
    assert (intercept.low, intercept.estimate, intercept.high) == pytest.approx(
        (logit(0.25) - half, logit(0.25), logit(0.25) + half)
    )


def test_certainty_without_an_error_is_no_proof_that_it_was_right() -> None:
    """Of 30 chances of 1e-6 and 1 - 1e-6 all come true, as they would at 1 %: nothing is known to within hundreds."""
    hits = np.repeat([False, True], 15)
    intercept, _ = calibration_line(hits, np.where(hits, 1, -1) * logit(1 - 1e-6), range(30))
    assert intercept is not None
    assert intercept.estimate == pytest.approx(0, abs=1e-6)
    assert intercept.high == pytest.approx(t.ppf(0.975, 29) / np.sqrt(30 * 1e-6), rel=1e-3)


def test_every_figure_of_the_record_counts_cases() -> None:
    """Each image thrice: what is estimated stays, and no interval is the narrower."""
    labels, odds = drawn(100)
    cases = np.repeat(np.arange(100), 3)
    once, thrice = record(labels, odds), record(np.repeat(labels, 3), np.repeat(odds, 3), cases)
    assert {found.cases for found in (thrice.brier, thrice.intercept, thrice.slope)} == {100}
    assert (thrice.brier.low, thrice.brier.high) == pytest.approx((once.brier.low, once.brier.high))
    assert (
        [b.positive_share.cases for b in thrice.bins] == [b.positive_share.n for b in once.bins] == [10] * 10
    )
    chances = np.repeat(expit(odds), 3)
    by_chance = errors_by_chance(chances, equal_bins(chances, 10), cases)
    assert thrice.ece_by_chance == by_chance.mean()
    assert thrice.ece_by_chance == pytest.approx(once.ece_by_chance, rel=0.05)


def test_without_a_slope_there_is_none() -> None:
    hits = np.array([False] * 5 + [True] * 5)
    intercept, slope = calibration_line(hits, np.arange(-5.0, 5.0), range(10))  # parted wholly
    assert intercept is not None
    assert slope is None
    assert calibration_line(hits, np.arange(5.0, -5.0, -1.0), range(10))[1] is None  # the other way round
    assert calibration_line(hits, np.full(10, 0.3), range(10))[1] is None
    assert calibration_line(hits, np.arange(10.0), ["a", "b"] * 5) == (None, None)
    _, steep = calibration_line(hits, np.array([0, 1, 2, 3, 900.0, -900, 4, 5, 6, 7]), range(10))
    assert steep is not None
    assert np.isfinite(steep.estimate)


@pytest.mark.parametrize("size", [40.0, 600.0, 711.0, 720.0, 730.0, 800.0, 1e30])
def test_chances_of_nought_and_one_have_no_line_and_stop_no_audit(size: float) -> None:
    """Logits of a net without normalisation: the variance of every chance is 0, or below any number."""
    hits = np.repeat([False, True], 10)
    spread = np.random.default_rng(0).normal(size=20)
    wrong = np.where(hits, -size, 50.0)
    for odds in (np.where(hits, size, -size), -size + spread, wrong, np.full(20, -size), size * spread):
        for found in calibration_line(hits, odds, range(20)):
            assert (
                found is None or np.abs([found.low, found.high]).max() < 1e7
            )  # a number that can be printed
    right = reliability_record(hits.astype(int), two(np.where(hits, size, -size)), range(20), positive=1)
    assert right is not None
    assert right.brier.estimate == pytest.approx(0, abs=1e-30)
    assert right.slope is None


def test_few_images_have_a_brier_score_and_no_curve_and_one_class_has_nothing() -> None:
    labels, odds = drawn(19)
    few = record(labels, odds)
    assert few.brier.estimate is not None
    assert (few.bins, few.ece, few.ece_by_chance, few.ece_by_chance_high) == ([], None, None, None)
    assert reliability_record(np.ones(30, int), two(np.zeros(30)), range(30), positive=1) is None
    assert reliability_record(np.full(30, -1), two(np.zeros(30)), range(30), positive=1) is None


def test_images_without_a_label_change_nothing() -> None:
    labels, odds = drawn(60)
    more = record(np.append(labels, [-1, -1]), np.append(odds, [40.0, -40.0]), [*range(60), "x", 0])
    assert more == record(labels, odds)


def test_records_of_old_still_read() -> None:
    old = dict.fromkeys(("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "dice"))
    read = CleanRecord.model_validate(old | {"images": 0, "confusion": [], "roc": [], "decision_shares": {}})
    assert read.reliability is None
