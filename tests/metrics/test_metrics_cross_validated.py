"""AUC over folds, F1 and the paired differences: by hand, and by drawing again."""

import numpy as np
import pytest

from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.auc_difference import auc_difference
from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_test
from xaiaudit.metrics.cross_validated import Fold, case_influence, cv_auc, cv_auc_difference, cv_auc_test
from xaiaudit.metrics.differences import paired_difference
from xaiaudit.metrics.f1 import f1
from xaiaudit.metrics.proportions import proportion


def one_class_a_case(rng: np.random.Generator, name: str, gain: float = 1.0, repeat: int = 0) -> Fold:
    labels = np.repeat(np.arange(20) % 2 == 0, 2)
    cases = [f"{name}{k // 2}" for k in range(40)]
    return Fold(labels=labels, scores=rng.normal(size=40) + gain * labels, cases=cases, repeat=repeat)


def test_scores_of_different_folds_are_never_ranked_together() -> None:
    # fold 1 ranks all four pairs rightly; fold 2, on a scale ten higher, two of four: the mean is 0.75
    labels = np.array([False, False, True, True])
    first = Fold(labels=labels, scores=np.array([0.0, 1.0, 2.0, 3.0]), cases=list("abcd"))
    second = Fold(labels=labels, scores=np.array([10.0, 13.0, 11.0, 12.0]), cases=list("efgh"))
    found = cv_auc([first, second])
    assert found.estimate == 0.75
    assert (found.n, found.cases) == (8, 8)
    pooled = auc(np.tile(labels, 2), np.concatenate([first.scores, second.scores]), list("abcdefgh"))
    assert (
        pooled.estimate == 10 / 16
    )  # of 16 pairs 8 are across folds, four of which the scale orders wrongly


def test_the_influences_of_a_small_fold_are_those_derived_by_hand() -> None:
    # placements of the positives (1, 0.5), of the negatives (1, 0.5); AUC 0.75; c / (c - 1) = 2 in each class
    labels = np.array([True, True, False, False])
    one = Fold(labels=labels, scores=np.array([3.0, 1.0, 0.0, 2.0]), cases=list("abcd"))
    influence = case_influence([one])
    assert influence == pytest.approx(np.sqrt(2) * np.array([0.125, -0.125, 0.125, -0.125]))
    assert case_influence([one, one]) == pytest.approx(influence)  # a case tested twice counts once


def test_one_fold_has_the_interval_of_delong_by_case() -> None:
    one = one_class_a_case(np.random.default_rng(0), "x")
    plain = auc(one.labels, one.scores, one.cases)
    found = cv_auc([one])
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))


def test_folds_that_share_no_case_add_their_variances() -> None:
    rng = np.random.default_rng(1)
    folds = [one_class_a_case(rng, name) for name in "abc"]
    alone = [float((case_influence([item]) ** 2).sum()) for item in folds]
    assert float((case_influence(folds) ** 2).sum()) == pytest.approx(sum(alone) / 9)


def test_a_repeat_that_says_the_same_adds_no_certainty() -> None:
    one = one_class_a_case(np.random.default_rng(2), "x")
    again = Fold(labels=one.labels, scores=one.scores, cases=one.cases, repeat=1)
    once, twice = cv_auc([one]), cv_auc([one, again])
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    assert twice.cases == once.cases


def test_the_variance_is_that_of_cases_drawn_again() -> None:
    rng = np.random.default_rng(3)
    areas, said = [], []
    for _ in range(250):
        folds = [one_class_a_case(rng, name) for name in "abcde"]
        areas.append(cv_auc(folds).estimate)
        said.append(float((case_influence(folds) ** 2).sum()))
    assert np.mean(said) == pytest.approx(np.var(areas), rel=0.25)


def test_a_perfect_cross_validation_is_not_certain() -> None:
    labels = np.array([False, False, True, True])
    folds = [
        Fold(labels=labels, scores=labels * 1.0, cases=[f"{name}{k}" for k in range(4)]) for name in "ab"
    ]
    found = cv_auc(folds)
    assert found.estimate == 1
    assert found.low == pytest.approx(0.025 ** (1 / 4))  # four pairs, two in each fold
    assert found.high == 1
    again = Fold(
        labels=labels, scores=labels * 1.0, cases=folds[0].cases, repeat=1
    )  # its second fold was stopped
    assert cv_auc([*folds, again]).low == pytest.approx(0.025 ** (1 / 2))


def test_a_fold_of_one_class_is_refused_and_no_fold_is_no_number() -> None:
    with pytest.raises(ValueError, match="one class only"):
        cv_auc([Fold(labels=np.ones(3, bool), scores=np.zeros(3), cases=list("abc"))])
    assert cv_auc([]).estimate is None


def test_one_fold_has_the_difference_of_delong_by_case() -> None:
    rng = np.random.default_rng(4)
    one = one_class_a_case(rng, "x")
    other = Fold(labels=one.labels, scores=one.scores + rng.normal(size=40), cases=one.cases)
    plain = auc_difference(one.labels, one.scores, other.scores, one.cases)
    found = cv_auc_difference([one], [other])
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))


def test_the_test_of_aucs_agrees_with_its_interval_and_holds_its_level() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for number in range(120):
        before = [one_class_a_case(rng, name) for name in "abc"]
        after = [Fold(labels=f.labels, scores=rng.normal(size=40) + f.labels, cases=f.cases) for f in before]
        found = cv_auc_difference(before, after)
        excluded = found.low > 0 or found.high < 0
        rejected += excluded
        if number < 4 or (excluded and rejected < 4):
            assert (cv_auc_test(before, after) < 0.05) == excluded
    assert 1 <= rejected <= 15  # 6 expected; P(X > 15) < 1e-3
    same = [one_class_a_case(rng, "x")]
    assert cv_auc_test(same, same) == 1


def test_p_is_where_the_interval_of_that_level_touches_no_difference() -> None:
    rng = np.random.default_rng(7)
    before = [one_class_a_case(rng, name) for name in "ab"]
    after = [one_class_a_case(rng, name, gain=1.5) for name in "ab"]
    p = cv_auc_test(before, after)
    assert 0.01 < p < 0.9
    found = cv_auc_difference(before, after, level=1 - p)
    assert min(abs(found.low), abs(found.high)) == pytest.approx(0, abs=1e-9)
    truth = np.arange(30) % 2
    decided = [np.where(rng.random(30) < share, truth, 1 - truth) for share in (0.6, 0.9)]
    p = balanced_accuracy_test(truth, *decided, range(30), 2)
    assert 0 < p < 0.9
    difference = balanced_accuracy_difference(truth, *decided, range(30), 2, level=1 - p)
    assert min(abs(difference.low), abs(difference.high)) == pytest.approx(0, abs=1e-9)


def test_cross_validations_of_different_images_are_not_compared() -> None:
    rng = np.random.default_rng(6)
    with pytest.raises(ValueError, match="different images"):
        cv_auc_difference([one_class_a_case(rng, "x")], [one_class_a_case(rng, "y")])


def test_f1_is_that_of_its_counts() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0], bool)
    decided = np.array([1, 1, 0, 1, 0, 0, 0], bool)  # 2 TP, 1 FP, 1 FN: 4 / 6
    found = f1(labels, decided, list("abcdefg"))
    assert found.estimate == pytest.approx(2 / 3)
    share = proportion(np.array([1, 1, 0, 0], bool), list("abcd"))
    assert found.low == pytest.approx(2 * share.low / (1 + share.low))
    assert f1(np.zeros(3, bool), np.ones(3, bool), list("abc")) is None
    assert f1(labels, labels, list("abcdefg")).low < 1


def test_the_difference_of_balanced_accuracies_is_the_mean_of_recalls() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1])
    before = np.array([0, 0, 1, 1, 1, 0])  # recalls 1/2 and 1/2
    after = np.array([0, 0, 0, 1, 1, 1])  # 3/4 and 1
    found = balanced_accuracy_difference(truth, before, after, list("abcdef"), 2)
    assert found.estimate == pytest.approx((0.25 + 0.5) / 2)
    parts = [
        paired_difference(np.array([1, 1, 0, 0], bool), np.array([1, 1, 1, 0], bool), list("abcd")),
        paired_difference(np.array([1, 0], bool), np.array([1, 1], bool), list("ef")),
    ]
    below = np.sqrt(sum((part.estimate - part.low) ** 2 for part in parts)) / 2
    assert found.low == pytest.approx(max(-1, 0.375 - below))
    p = balanced_accuracy_test(truth, before, after, list("abcdef"), 2)
    assert (p < 0.05) == (found.low > 0)
    assert balanced_accuracy_difference(truth[:4], before[:4], after[:4], list("abcd"), 2).estimate is None
