"""Flips by confidence, by hand."""

import numpy as np
import pytest
from scipy.special import expit

from xaiaudit.metrics.confidence import confidence_record
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import ConfidenceRecord


def found(before: np.ndarray, after: np.ndarray, flipped: np.ndarray) -> ConfidenceRecord:
    record = confidence_record(before, after, flipped, range(len(before)))
    assert record is not None
    return record


def test_the_unsure_half_flips() -> None:
    """Forty images at margins 0.1 to 4: the first twenty flip, and end at twice their margin."""
    before = np.arange(1, 41) / 10
    flipped = np.arange(40) < 20
    record = found(before, np.where(flipped, 2 * before, before), flipped)
    assert [(b.low, b.high) for b in record.bins] == [
        (pytest.approx(expit((10 * k + 1) / 10)), pytest.approx(expit((10 * k + 10) / 10))) for k in range(4)
    ]
    assert [b.flips.estimate for b in record.bins] == [1.0, 1.0, 0.0, 0.0]
    assert record.bins[1].flips == proportion(np.ones(10, bool), range(10))
    assert record.bins[0].after.median == pytest.approx((expit(1.0) + expit(1.2)) / 2)
    assert record.bins[2].after.n == 0
    assert record.flipped_before.maximum == pytest.approx(expit(2.0))
    assert record.flipped_after.maximum == pytest.approx(expit(4.0))
    assert record.held_before.n == 20
    assert record.flipped_after.median_interval is not None


def test_of_nineteen_images_there_is_one_bin_and_of_none_no_record() -> None:
    before = np.linspace(0, 3, 19)
    assert len(found(before, before, np.zeros(19, bool)).bins) == 1
    assert confidence_record(np.zeros(0), np.zeros(0), np.zeros(0, bool), []) is None


def test_confidences_that_print_as_one_are_told_apart() -> None:
    before = np.arange(40.0) + 40  # the logistic of all is 1
    record = found(before, before, before < 50)
    assert [b.flips.estimate for b in record.bins] == [1.0, 0.0, 0.0, 0.0]
    assert {b.low for b in record.bins} == {1.0}
