"""Clean performance against scikit-learn, and thresholds that must decide as their ROC point does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from xaiaudit.functional import logit
from xaiaudit.metrics.classification import balanced_accuracy, clean_record
from xaiaudit.metrics.roc import best_threshold, roc

CLASSES = ("benign", "malignant")


def sample(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(int)
    logits = rng.normal(size=(n, 2)).astype(np.float32)
    logits[:, 1] += labels
    return labels, logits


def test_a_clean_record_agrees_with_scikit_learn() -> None:
    labels, logits = sample()
    record = clean_record(labels, logits, range(80), classes=CLASSES, positive=1, threshold=0.4)
    decided = (logits[:, 1] - logits[:, 0] >= logit(0.4)).astype(int)
    assert record.images == 80
    assert record.auc.estimate == pytest.approx(sk.roc_auc_score(labels, logits[:, 1] - logits[:, 0]))
    assert record.accuracy.estimate == pytest.approx(sk.accuracy_score(labels, decided))
    assert record.balanced_accuracy.estimate == pytest.approx(sk.balanced_accuracy_score(labels, decided))
    assert record.sensitivity.estimate == pytest.approx(sk.recall_score(labels, decided))
    assert record.specificity.estimate == pytest.approx(sk.recall_score(labels, decided, pos_label=0))
    assert record.f1.estimate == pytest.approx(sk.f1_score(labels, decided))
    assert record.f1.low < record.f1.estimate < record.f1.high
    (tn, fp), (fn, tp) = sk.confusion_matrix(labels, decided)
    assert record.false_positive_rate.estimate == pytest.approx(fp / (fp + tn))
    assert record.false_negative_rate.estimate == pytest.approx(fn / (fn + tp))
    assert record.confusion == sk.confusion_matrix(labels, decided).tolist()
    assert record.decision_shares == pytest.approx(
        {"benign": (decided == 0).mean(), "malignant": decided.mean()}
    )
    assert record.balanced_accuracy.low < record.balanced_accuracy.estimate < record.balanced_accuracy.high
    assert record.dice is None


def test_the_points_of_a_roc_are_scikit_learns() -> None:
    labels, logits = sample()
    margins = np.round(logits[:, 1] - logits[:, 0], 1).astype(np.float64)
    points = roc(labels == 1, margins)
    false_positive, true_positive, cuts = sk.roc_curve(labels, margins, drop_intermediate=False)
    assert [p.false_positive_rate for p in points] == pytest.approx(false_positive)
    assert [p.true_positive_rate for p in points] == pytest.approx(true_positive)
    assert [p.margin for p in points[1:]] == pytest.approx(cuts[1:])
    assert not (margins >= points[0].margin).any()


def test_images_without_a_label_count_only_in_the_shares() -> None:
    labels, logits = sample()
    labels[:10] = -1
    record = clean_record(labels, logits, range(80), classes=CLASSES, positive=1, threshold=0.5)
    rest = clean_record(labels[10:], logits[10:], range(70), classes=CLASSES, positive=1, threshold=0.5)
    assert (record.images, record.auc, record.confusion) == (70, rest.auc, rest.confusion)
    assert record.decision_shares != rest.decision_shares


def test_the_rates_of_error_are_the_complements_of_their_rates_with_their_bounds() -> None:
    labels, logits = sample()
    record = clean_record(labels, logits, range(80), classes=CLASSES, positive=1, threshold=0.4)
    for error, rate in (
        (record.false_positive_rate, record.specificity),
        (record.false_negative_rate, record.sensitivity),
    ):
        assert (error.low, error.high) == (1 - rate.high, 1 - rate.low)
        assert (error.n, error.cases, error.method) == (rate.n, rate.cases, rate.method)


def test_a_missing_class_leaves_its_statistics_empty() -> None:
    _, logits = sample()
    record = clean_record(np.zeros(80, int), logits, range(80), classes=CLASSES, positive=1, threshold=0.5)
    assert (record.auc, record.balanced_accuracy, record.sensitivity, record.roc) == (None, None, None, [])
    assert record.specificity == record.accuracy
    assert (record.f1, record.false_negative_rate) == (None, None)
    assert record.false_positive_rate.estimate == pytest.approx(1 - record.accuracy.estimate)
    nothing = clean_record(np.full(80, -1), logits, range(80), classes=CLASSES, positive=1, threshold=0.5)
    assert (nothing.images, nothing.accuracy, nothing.specificity) == (0, None, None)


def test_three_classes_by_the_largest_logit_and_malignant_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(3, size=90), rng.normal(size=(90, 3))
    logits[np.arange(90), labels] += 1
    names = ("benign", "malignant", "normal")
    record = clean_record(labels, logits, range(90), classes=names, positive=1, threshold=0.5)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert record.auc.estimate == pytest.approx(sk.roc_auc_score(labels == 1, probability[:, 1]))
    assert record.confusion == sk.confusion_matrix(labels, logits.argmax(1)).tolist()
    assert record.balanced_accuracy.estimate == pytest.approx(
        sk.balanced_accuracy_score(labels, logits.argmax(1))
    )


def test_of_two_classes_the_positive_one_comes_second() -> None:
    labels, logits = sample()
    with pytest.raises(ValueError, match="reorder"):
        clean_record(labels, logits, range(80), classes=CLASSES, positive=0, threshold=0.5)


def test_dice_leaves_out_images_without_an_outline() -> None:
    labels, logits = sample(4)
    dice = np.array([0.5, np.nan, 0.7, np.nan])
    record = clean_record(labels, logits, range(4), classes=CLASSES, positive=1, threshold=0.5, dice=dice)
    assert (record.dice.estimate, record.dice.n) == (pytest.approx(0.6), 2)


def test_balanced_accuracy_of_repeated_images_is_as_wide_as_of_the_cases() -> None:
    labels, logits = sample(40)
    decided = logits.argmax(1)
    index = np.repeat(np.arange(40), 3)
    once, often = (balanced_accuracy(labels[i], decided[i], i, 2) for i in (np.arange(40), index))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


# Thresholds


def test_the_best_threshold_by_hand() -> None:
    # Benign at -2, -1, 1; malignant at 0, 2, 3. At or above 0: (1/3, 1), 0.333 from the corner; at or above
    # 2: (0, 2/3), as far. The more sensitive point wins; midway between -1 and 0.
    labels = np.array([0, 0, 0, 1, 1, 1], dtype=bool)
    assert logit(best_threshold(labels, np.array([-2.0, -1.0, 1.0, 0.0, 2.0, 3.0]))) == pytest.approx(-0.5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 40.0, 400.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_margins_still_get_a_threshold(scale: float, dtype: type) -> None:
    labels = np.array([0, 0, 1, 1], dtype=bool)
    margins = (scale * np.array([-1.0, -1.0, 1.0, 1.0])).astype(dtype)
    p = best_threshold(labels, margins)
    assert 0 < p < 1
    assert ((margins - logit(p) >= 0) == labels).all()


def test_a_point_beyond_the_last_probability_gives_way() -> None:
    labels = np.array([0, 1, 1, 0], dtype=bool)
    margins = np.array([38.0, 42.0, 43.0, -1.0])  # perfect at 40, where a probability is 1 in float64
    p = best_threshold(labels, margins)
    assert (margins - logit(p) >= 0).tolist() == [True, True, True, False]


def test_a_threshold_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        best_threshold(np.ones(3, dtype=bool), np.arange(3.0))


margins = hnp.arrays(
    np.float32,
    st.integers(2, 12),
    elements=st.floats(-60, 60, width=32).map(lambda x: np.float32(round(x, 3))),
)


@given(margins=margins, data=st.data())
def test_no_operating_point_in_reach_lies_nearer_to_the_corner(
    margins: np.ndarray, data: st.DataObject
) -> None:
    labels = data.draw(hnp.arrays(bool, len(margins)).filter(lambda y: y.any() and not y.all()))
    p = best_threshold(labels, margins)
    assert 0 < p < 1

    def distance(decided: np.ndarray) -> float:
        return float(
            np.hypot((decided & ~labels).sum() / (~labels).sum(), (~decided & labels).sum() / labels.sum())
        )

    reach = [cut for cut in margins if cut <= 35] + [np.float32(35.5)]
    assert distance(margins - logit(p) >= 0) <= min(distance(margins >= cut) for cut in reach) + 1e-9


def test_a_perfect_model_gets_no_certain_balanced_accuracy() -> None:
    """By hand: both recalls are 20 of 20, Wilson's lower bound 20 / (20 + 1.96^2), and MOVER takes both."""
    labels = np.repeat([0, 1], 20)
    found = balanced_accuracy(labels, labels, list(range(40)), 2)
    assert found is not None
    fall = 1 - 20 / (20 + 1.959964**2)
    assert found.low == pytest.approx(1 - 2**0.5 * fall / 2, abs=1e-6)
    assert (found.estimate, found.high) == (1.0, 1.0)
