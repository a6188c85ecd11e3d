"""The single lesions of an outline, by hand."""

import numpy as np

from xaiaudit.metrics.lesions import lesions


def outline(*squares: tuple[int, int, int]) -> np.ndarray:
    """A mask of 60 x 80 pixels with squares (row, column, side)."""
    mask = np.zeros((60, 80), bool)
    for row, column, side in squares:
        mask[row : row + side, column : column + side] = True
    return mask


def test_each_lesion_has_its_box_the_largest_first() -> None:
    boxes, masks = lesions(outline((40, 60, 8), (5, 10, 20)))
    assert boxes.tolist() == [[10, 5, 30, 25], [60, 40, 68, 48]]
    assert boxes.dtype == np.float32
    assert [int(own.sum()) for own in masks] == [400, 64]
    assert np.array_equal(masks.any(0), outline((40, 60, 8), (5, 10, 20)))


def test_specks_are_no_lesions() -> None:
    assert len(lesions(outline((5, 10, 30), (50, 70, 6)))[0]) == 1  # 36 of 900 pixels, under 5 %
    assert len(lesions(outline((5, 10, 10), (50, 70, 3)))[0]) == 1  # 9 pixels
    assert len(lesions(outline((5, 10, 10), (50, 70, 4)))[0]) == 2  # 16
    assert lesions(outline((5, 10, 2)))[0].tolist() == [[10, 5, 12, 7]]  # all there is


def test_corners_touch_and_borders_are_kept() -> None:
    assert len(lesions(outline((0, 0, 10), (10, 10, 10)))[0]) == 1
    assert lesions(outline((40, 60, 20)))[0].tolist() == [[60, 40, 80, 60]]


def test_without_a_lesion_there_is_no_box() -> None:
    boxes, masks = lesions(np.zeros((6, 8), bool))
    assert boxes.shape == (0, 4)
    assert masks.shape == (0, 6, 8)
