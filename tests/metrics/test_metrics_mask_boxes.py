"""JSI of masks and of the boxes around them, by hand."""

import json

import numpy as np
import pytest

from xaiaudit.metrics.classification import clean_record
from xaiaudit.metrics.mask_boxes import box_jsi, rectangle, true_box
from xaiaudit.records import CleanRecord


def drawn(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


TWO = drawn("#...", "....", "...#")  # two pixels far apart: one rectangle holds both
ONE = drawn("....", ".##.", "....")


def test_the_rectangle_holds_every_pixel() -> None:
    assert rectangle(TWO) == (0, 0, 4, 3)
    assert rectangle(ONE) == (1, 1, 3, 2)
    assert np.isnan(rectangle(np.zeros((2, 2), bool))).all()


def test_the_box_of_a_predicted_mask_against_the_true_box() -> None:
    nothing = np.zeros((3, 4), bool)
    predicted = np.stack([ONE, TWO, nothing, ONE, nothing])
    unknown = (np.nan,) * 4
    boxes = np.array([(1, 1, 3, 3), (0, 0, 4, 3), (0, 0, 1, 1), unknown, unknown])
    found = box_jsi(predicted, boxes)
    assert found[:3].tolist() == [0.5, 1.0, 0.0]  # 2 of 4 pixels; all; nothing predicted is a miss
    assert np.isnan(found[3:]).all()


def test_given_boxes_come_before_the_mask() -> None:
    assert true_box(ONE, [(0.5, 0, 1, 1), (2, 1, 4, 2.5)]) == (0.5, 0, 4, 2.5)
    assert true_box(ONE, None) == true_box(ONE, np.zeros((0, 4))) == (1, 1, 3, 2)
    assert np.isnan(true_box(None, None)).all()
    assert np.isnan(true_box(np.zeros((2, 2), bool), None)).all()


def test_the_jsi_of_a_record_follows_from_the_dice_of_each_image() -> None:
    logits = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    dice = np.array([0.5, 1.0, np.nan])  # 1/3 and 1, and one without an outline
    record = clean_record(
        np.array([0, 1, 1]), logits, ["a", "b", "c"], classes=("benign", "malignant"), positive=1, threshold=0.5,
        dice=dice, box_jsi=np.array([0.2, 0.4, np.nan]),
    )  # fmt: skip
    assert record.jsi.estimate == pytest.approx(2 / 3)
    assert record.box_jsi.estimate == pytest.approx(0.3)


def test_records_of_old_still_read() -> None:
    logits = np.array([[1.0, 0.0], [0.0, 1.0]])
    record = clean_record(
        np.array([0, 1]), logits, ["a", "b"], classes=("benign", "malignant"), positive=1, threshold=0.5,
        dice=np.array([0.5, 1.0]),
    )  # fmt: skip
    old = json.loads(record.model_dump_json(exclude={"jsi", "box_jsi"}))
    assert CleanRecord(**old).jsi is None
    assert CleanRecord(**old).dice == record.dice
