"""Undoing what the probe did: exact where that can be, honest where the second sweep shows nothing."""

import numpy as np
import pytest

from xaiaudit.metrics.grids import upsample
from xaiaudit.metrics.undo import undo_motion
from xaiaudit.types import IDENTITY

SHAPE = (60, 80)
VALID = np.ones((1, *SHAPE), bool)


def motion(rows: float, columns: float) -> np.ndarray:
    return np.array([[[1.0, 0, rows], [0, 1, columns]]])


def test_still_images_keep_their_maps() -> None:
    before, after = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    one, other, within, share = undo_motion(
        before, after, np.repeat(IDENTITY[None], 3, 0), VALID.repeat(3, 0)
    )
    assert (one == before).all()
    assert (other == after).all()
    assert within.all()
    assert (share == 1).all()


def test_a_shift_by_whole_cells_is_undone_exactly_and_what_left_is_no_evidence() -> None:
    before = 1 + np.random.default_rng(1).random((1, 6, 8))
    after = np.roll(before, (1, -2), (1, 2))  # 10 pixels down and 20 to the left
    one, other, within, share = undo_motion(before, after, motion(10, -20), VALID)
    lost = np.zeros((6, 8), bool)
    lost[-1], lost[:, :2] = True, True  # the lowest row and the two leftmost columns left the field of view
    np.testing.assert_allclose(other[0][~lost], before[0][~lost])
    assert (one[0][~lost] == before[0][~lost]).all()
    assert (one[0][lost] == 0).all()  # all values are positive: no mass, no peak
    assert (other[0][lost] == 0).all()
    np.testing.assert_array_equal(within[0], ~lost)
    assert share[0] == (~lost).mean()


def test_lost_cells_of_a_negative_map_are_no_peak_either() -> None:
    before = -1 - np.random.default_rng(2).random((1, 6, 8))
    before[0, 5, 4] = -0.5  # the peak, which leaves
    one, other, within, _ = undo_motion(before, np.roll(before, 1, 1), motion(10, 0), VALID)
    for plane in (one[0], other[0]):
        assert np.where(within[0], plane, -np.inf).argmax() == before[0, :5].argmax()
        assert (plane[5] == plane[:5].min()).all()


def test_padding_does_not_move() -> None:
    valid = VALID.copy()
    valid[0, :, :20] = valid[0, :, 60:] = False  # two columns of cells on either side
    before, after = np.random.default_rng(3).random((2, 1, 6, 8))
    _, other, within, share = undo_motion(before, after, motion(0, 10), valid)
    assert (other[0][:, [0, 1, 6, 7]] == after[0][:, [0, 1, 6, 7]]).all()
    np.testing.assert_allclose(other[0][:, 2:5], after[0][:, 3:6])
    assert (other[0][:, 5] == 0).all()
    assert not within[0, :, 5].any()
    assert within[0].sum() == 42  # all but a column of 6
    assert share[0] == 0.75


@pytest.mark.parametrize("degrees", [-4, 7])
def test_a_rotation_is_undone_as_on_the_image_itself(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([30.0, 40])
    there = np.column_stack([turn, middle - turn @ middle])[None]
    after = np.random.default_rng(4).random((1, 6, 8))
    _, other, _, share = undo_motion(after.copy(), after, there, VALID)
    fine = upsample(after, (600, 800))[0]  # the map's surface
    for row, column in ((1, 2), (3, 4), (4, 6)):
        centre = np.array([row * 10 + 5.0, column * 10 + 5])
        y, x = turn @ (centre - middle) + middle
        assert other[0, row, column] == pytest.approx(fine[int(y * 10), int(x * 10)], abs=0.02)
    assert 0.8 < share[0] <= 1


@pytest.mark.parametrize("padded", [False, True])
def test_a_map_that_left_altogether_is_undefined(padded: bool) -> None:
    valid = VALID.copy()
    valid[0, :, 40:] &= not padded
    one, other, _, share = undo_motion(np.ones((1, 6, 8)), np.ones((1, 6, 8)), motion(100, 0), valid)
    assert share[0] == 0
    assert np.isnan(one).all()
    assert np.isnan(other).all()


def test_an_image_without_pixels_compares_nothing() -> None:
    maps = np.ones((1, 6, 8))
    assert np.isnan(undo_motion(maps, maps, motion(1, 0), ~VALID)[3][0])
