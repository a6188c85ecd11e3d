"""Label flips by hand: 0 benign, 1 malignant, -1 no label."""

import numpy as np
import pytest

from xaiaudit.metrics import flips
from xaiaudit.metrics.classification import balanced_accuracy
from xaiaudit.metrics.segmentation import dice

LABELS = np.array([1, 1, 1, 0, 0, 0, -1, -1])
BEFORE = np.array([1, 1, 0, 0, 0, 1, 1, 0])
AFTER = np.array([0, 1, 1, 1, 0, 0, 0, 0])
CASES = range(8)


def test_flips_are_against_the_clean_decision_right_or_wrong() -> None:
    rate = flips.flip_rate(BEFORE, AFTER, CASES)
    assert (rate.estimate, rate.n) == (5 / 8, 8)


def test_robust_accuracy_asks_for_right_when_clean_and_right_after_every_attack() -> None:
    assert flips.right_throughout(LABELS, BEFORE).tolist() == [
        True,
        True,
        False,
        True,
        True,
        False,
        False,
        False,
    ]
    assert flips.robust_accuracy(LABELS, BEFORE, AFTER, cases=CASES).estimate == 2 / 6
    assert flips.robust_accuracy(LABELS, BEFORE, AFTER, 1 - BEFORE, cases=CASES).estimate == 0
    assert flips.robust_accuracy(np.full(8, -1), BEFORE, AFTER, cases=CASES) is None


def test_robust_balanced_accuracy_weighs_classes_alike() -> None:
    # benign: the first is lost, the second holds, the third was wrong; malignant: lost, holds, was wrong
    found = flips.robust_balanced_accuracy(LABELS, BEFORE, AFTER, cases=CASES, k=2)
    assert (found.estimate, found.n) == (pytest.approx((1 / 3 + 1 / 3) / 2), 6)
    labels = np.array([0] * 9 + [1])
    one = np.zeros(10, dtype=int)
    assert flips.robust_accuracy(labels, one, one, cases=range(10)).estimate == 0.9
    assert flips.robust_balanced_accuracy(labels, one, one, cases=range(10), k=2).estimate == 0.5
    assert flips.robust_balanced_accuracy(labels[:9], one[:9], one[:9], cases=range(9), k=2) is None


def test_robust_balanced_accuracy_without_an_attack_is_balanced_accuracy() -> None:
    labels, before = LABELS[:6], BEFORE[:6]
    found = flips.robust_balanced_accuracy(labels, before, cases=range(6), k=2)
    assert found == balanced_accuracy(labels, before, range(6), 2)
    often = flips.robust_balanced_accuracy(
        np.repeat(labels, 5), np.repeat(before, 5), cases=np.repeat(range(6), 5), k=2
    )
    assert (often.low, often.high) == (pytest.approx(found.low), pytest.approx(found.high))


def test_directions_by_label_and_by_decision() -> None:
    missed = flips.missed_cancers(LABELS, BEFORE, AFTER, CASES, positive=1)
    alarms = flips.false_alarms(LABELS, BEFORE, AFTER, CASES, positive=1)
    found = int(((LABELS == 1) & (BEFORE == 1)).sum())
    quiet = int(((LABELS == 0) & (BEFORE == 0)).sum())
    assert (missed.estimate, missed.n) == (1 / found, found)  # the one found and lost, of the cancers found
    assert (alarms.estimate, alarms.n) == (1 / quiet, quiet)
    assert flips.from_positive(BEFORE, AFTER, CASES, positive=1).estimate == 3 / 4
    assert flips.from_negative(BEFORE, AFTER, CASES, positive=1).estimate == 2 / 4


def test_directions_without_a_member_are_none_or_undefined() -> None:
    benign = np.zeros(8, dtype=int)
    assert flips.missed_cancers(benign, BEFORE, AFTER, CASES, positive=1) is None
    assert flips.false_alarms(benign + 1, BEFORE, AFTER, CASES, positive=1) is None
    assert flips.from_positive(benign, AFTER, CASES, positive=1).estimate is None


def test_with_three_classes_a_change_between_two_others_is_a_flip_without_direction() -> None:
    before, after = np.array([0, 2, 1]), np.array([2, 0, 2])
    assert flips.flip_rate(before, after, range(3)).estimate == 1
    assert flips.from_negative(before, after, range(3), positive=1).estimate == 0
    assert flips.from_positive(before, after, range(3), positive=1).estimate == 1


def test_rounding_gains_and_loses_flips() -> None:
    quantised = np.array([1, 0, 1, 1, 0, 0, 0, 0])
    assert flips.rounding(BEFORE, AFTER, quantised) == (1, 1)


@pytest.mark.parametrize(
    ("positives", "expected"), [(0, False), (4, False), (5, True), (50, True), (96, False)]
)
def test_a_model_that_gives_one_decision_cannot_be_assessed(positives: int, expected: bool) -> None:
    assert flips.assessable((np.arange(100) < positives).astype(int)) is expected


def test_nothing_cannot_be_assessed() -> None:
    assert not flips.assessable(np.array([], dtype=int))


def test_dice_by_hand() -> None:
    masks = np.zeros((4, 4, 4), dtype=bool)
    predicted = masks.copy()
    masks[:3, :2] = True  # 8 pixels
    predicted[0, :2], predicted[1, 1:3] = True, True  # all; half of it
    found = dice(predicted, masks, np.array([True, True, False, True]))
    assert found[:2].tolist() == [1.0, 0.5]
    assert np.isnan(found[2:]).all()  # no outline known; both empty
