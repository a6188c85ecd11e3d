"""Where a map lies against a mask, by hand on 2 x 2 pixels."""

import numpy as np
import pytest

from xaiaudit.metrics.mask_agreement import mask_agreement

VALID = np.ones((1, 2, 2), bool)


def found(
    cells: list[list[float]], mask: list[list[int]], valid: np.ndarray = VALID, *, signed: bool = False
):
    maps, masks = np.array([cells], float), np.array([mask], bool)
    return {name: value[0] for name, value in mask_agreement(maps, masks, valid, signed=signed).items()}


def test_the_maximum_and_the_energy_inside_the_mask() -> None:
    inside = found([[6, 2], [1, 1]], [[1, 0], [1, 0]])
    assert inside == {"hit": 1.0, "share": pytest.approx(0.7), "area": 0.5}
    outside = found([[6, 2], [1, 1]], [[0, 1], [0, 0]])
    assert outside == {"hit": 0.0, "share": pytest.approx(0.2), "area": 0.25}


def test_tied_cells_count_by_the_share_inside() -> None:
    assert found([[3, 3], [0, 3]], [[1, 1], [0, 0]])["hit"] == pytest.approx(2 / 3)


def test_negative_values_have_no_energy() -> None:
    assert found([[3, -9], [1, 0]], [[1, 0], [0, 0]], signed=True)["share"] == pytest.approx(0.75)


def test_an_undefined_map_or_an_empty_mask_says_nothing_of_agreement() -> None:
    undefined = found([[0, 0], [0, 0]], [[1, 0], [0, 0]])
    assert np.isnan([undefined["hit"], undefined["share"]]).all()
    assert undefined["area"] == 0.25
    empty = found([[6, 2], [1, 1]], [[0, 0], [0, 0]])
    assert np.isnan([empty["hit"], empty["share"]]).all()
    assert empty["area"] == 0
    broken = found([[np.nan, 2], [1, 1]], [[1, 0], [0, 0]])
    assert np.isnan([broken["hit"], broken["share"]]).all()


def test_a_mask_on_padding_alone_is_empty_and_its_area_is_of_real_pixels() -> None:
    valid = np.array([[[True, False], [True, False]]])
    on_padding = found([[6, 2], [1, 1]], [[0, 1], [0, 0]], valid)
    assert np.isnan(on_padding["hit"])
    assert on_padding["area"] == 0
    half = found([[6, 2], [1, 1]], [[1, 1], [0, 0]], valid)
    assert half["hit"] == 1
    assert half["share"] == pytest.approx(0.6)  # energy on padding is outside the mask
    assert half["area"] == 0.5
