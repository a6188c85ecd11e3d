"""Pseudo-masks and boxes by hand, on grids that are not square, so that rows and columns cannot be exchanged."""

import numpy as np
import pytest

from xaiaudit.metrics.pseudo_mask import box_iou, largest_boxes, pseudo_masks, pseudo_scores
from xaiaudit.records import PSEUDO_METRICS

YES = np.array([True])
SHAPE = (6, 10)


def maps(*cells: tuple[int, int, float]) -> np.ndarray:
    plane = np.zeros((1, *SHAPE))
    for row, column, value in cells:
        plane[0, row, column] = value
    return plane


def codes(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Lesions as half-open boxes x0, y0, x1, y1; the rest is elsewhere."""
    grid = np.full((1, *SHAPE), 3, np.uint8)
    for x0, y0, x1, y1 in boxes:
        grid[0, y0:y1, x0:x1] = 0
    return grid


def scores(given: np.ndarray, grid: np.ndarray, has_lesion: np.ndarray = YES) -> dict[str, float]:
    masks = pseudo_masks(given, SHAPE)
    return {
        key: value[0] for key, value in pseudo_scores(masks, largest_boxes(masks), grid, has_lesion).items()
    }


def test_a_fifth_of_the_maximum_is_the_limit() -> None:
    given = maps((1, 7, 10.0), (1, 8, 2.1), (1, 6, 2.0), (4, 0, 1.9), (5, 5, -30.0))
    assert np.argwhere(pseudo_masks(given, SHAPE)[0]).tolist() == [[1, 7], [1, 8]]
    assert np.argwhere(pseudo_masks(given, SHAPE, threshold=0.5)[0]).tolist() == [[1, 7]]
    assert pseudo_masks(given, SHAPE, threshold=0.0).sum() == 4  # positive values alone


def test_the_threshold_ignores_the_scale_and_no_offset_is_taken_off() -> None:
    given = np.full((1, *SHAPE), 0.5)
    given[0, 2, 3] = 1.0
    assert pseudo_masks(given, SHAPE).all()  # min-max normalisation would leave a single pixel
    np.testing.assert_array_equal(pseudo_masks(1e-6 * given, SHAPE), pseudo_masks(given, SHAPE))


def test_the_box_is_half_open_x_first_and_around_the_largest_component() -> None:
    given = maps((0, 0, 1.0), (2, 6, 1.0), (3, 7, 1.0), (3, 8, 1.0))  # two pixels meet at a corner
    assert largest_boxes(pseudo_masks(given, SHAPE)).tolist() == [[6, 2, 9, 4]]


def test_of_equal_components_the_first_gives_the_box() -> None:
    assert largest_boxes(pseudo_masks(maps((4, 1, 1.0), (1, 8, 1.0)), SHAPE)).tolist() == [[8, 1, 9, 2]]


def test_a_coarse_map_is_upsampled_before_the_threshold() -> None:
    given = np.array([[[1.0, 0.0]]])  # centres at columns 2.5 and 7.5; over 0.2 up to column 6.5
    assert pseudo_masks(given, SHAPE)[0].sum(1).tolist() == [6] * 6
    assert largest_boxes(pseudo_masks(given, SHAPE)).tolist() == [[0, 0, 6, 6]]


def test_overlap_by_hand() -> None:
    given = maps(*((row, column, 1.0) for row in (1, 2) for column in (3, 4, 5)))  # 6 pixels, box 3, 1, 6, 3
    found = scores(given, codes((4, 1, 8, 3)))  # 8 pixels, 4 shared
    assert tuple(found) == PSEUDO_METRICS
    assert found["pseudo_dice"] == pytest.approx(8 / 14)
    assert found["pseudo_iou"] == pytest.approx(4 / 10)
    assert found["pseudo_box_iou"] == pytest.approx(4 / 10)
    assert scores(given, codes((3, 1, 6, 3))) == dict.fromkeys(PSEUDO_METRICS, 1.0)
    # what rows taken for x would give: the lesion mirrored at the diagonal
    assert scores(given, codes((1, 3, 3, 6))) == dict.fromkeys(PSEUDO_METRICS, 0.0)


def test_the_mask_counts_whole_and_the_box_meets_the_best_of_several_lesions() -> None:
    given = maps((0, 0, 1.0), (0, 1, 1.0), (5, 9, 1.0))
    found = scores(given, codes((0, 0, 2, 1), (7, 4, 10, 6)))  # 2 and 6 pixels; 3 shared
    assert found["pseudo_dice"] == pytest.approx(2 * 3 / (3 + 8))
    assert found["pseudo_box_iou"] == 1


@pytest.mark.parametrize("empty", [maps(), -maps((1, 1, 1.0)), maps((1, 1, np.nan)), maps((1, 1, np.inf))])
def test_a_zero_or_broken_map_has_no_mask_and_no_score(empty: np.ndarray) -> None:
    masks = pseudo_masks(empty, SHAPE)
    assert not masks.any()
    assert np.isnan(largest_boxes(masks)).all()
    assert all(np.isnan(value) for value in scores(empty, codes((0, 0, 3, 3))).values())


def test_without_a_lesion_nothing_is_scored() -> None:
    given = maps((1, 1, 1.0))
    for grid, has in ((codes(), YES), (codes((0, 0, 3, 3)), ~YES)):
        assert all(np.isnan(value) for value in scores(given, grid, has).values())


def test_boxes_that_only_touch_share_nothing() -> None:
    box = np.array([0.0, 0.0, 2.0, 3.0])
    others = np.array([[2.0, 0.0, 4.0, 3.0], [1.0, 1.0, 3.0, 2.0], [np.nan] * 4])
    np.testing.assert_allclose(box_iou(box, others), [0, 1 / 7, np.nan])


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_a_threshold_that_marks_all_or_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="share of the maximum"):
        pseudo_masks(maps((1, 1, 1.0)), SHAPE, threshold=threshold)
