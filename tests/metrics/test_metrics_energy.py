"""Energy shares, relevance rank and IoU by hand, on grids that are not square."""

import numpy as np
import pytest

from xaiaudit.metrics.energy import delta_energy, energy_shares
from xaiaudit.metrics.top_pixels import iou_at_lesion_area, relevance_rank, top_pixels, topk_intersection
from xaiaudit.records import MAPS, REGIONS

YES = np.array([True])


def strips() -> np.ndarray:
    """4 x 10 pixels: two columns of each region, from left to right."""
    return np.repeat(np.arange(5, dtype=np.uint8), 2)[None, None, :].repeat(4, axis=1)


def test_mass_on_the_image_grid_is_shared_out_by_region() -> None:
    maps = np.zeros((1, 4, 10))
    maps[0, 0, :] = [1, 2, 0, 3, 0, 0, 4, 0, 0, 0]
    maps[0, 3, 9] = -50.0  # negatives count as zero
    shares = energy_shares(maps, strips(), YES)
    assert [shares[f"energy_{region}"][0] for region in REGIONS] == pytest.approx([0.3, 0.3, 0, 0.4, 0])


def test_a_coarse_map_is_interpolated_first() -> None:
    maps = np.array([[[1.0, 0.0]]])  # one row, two cells: centres at columns 2.5 and 7.5
    ramp = np.clip(1 - (np.arange(10) + 0.5 - 2.5) / 5, 0, 1)
    shares = energy_shares(maps, strips(), YES)
    expected = ramp.reshape(5, 2).sum(1) / ramp.sum()
    assert [shares[f"energy_{region}"][0] for region in REGIONS] == pytest.approx(list(expected))


def test_shares_sum_to_one_and_ignore_scale() -> None:
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(3, 5, 7))
    codes = rng.integers(0, 5, size=(3, 20, 30)).astype(np.uint8)
    shares = np.stack(list(energy_shares(maps, codes, np.ones(3, bool)).values()))
    np.testing.assert_allclose(shares.sum(0), 1)
    scaled = np.stack(list(energy_shares(maps * 1e-6, codes, np.ones(3, bool)).values()))
    np.testing.assert_allclose(scaled, shares)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_no_positive_mass_has_no_share(value: float) -> None:
    shares = energy_shares(np.full((1, 2, 3), value), strips(), YES)
    assert all(np.isnan(share[0]) for share in shares.values())


def test_no_lesion_has_no_share() -> None:
    codes = np.full((1, 4, 10), 3, np.uint8)
    for grid, has_lesion in ((strips(), np.array([False])), (codes, YES)):
        assert np.isnan(energy_shares(np.ones((1, 2, 2)), grid, has_lesion)["energy_elsewhere"][0])
        assert np.isnan(relevance_rank(np.ones((1, 2, 2)), grid, has_lesion, signed=False)[0])


def test_change_of_energy() -> None:
    before = energy_shares(
        np.array([[[1.0, 0.0, 0.0, 0.0, 0.0]]]).repeat(2, 0), strips().repeat(2, 0), np.ones(2, bool)
    )
    after = energy_shares(
        np.array([[[0.0, 0.0, 0.0, 0.0, 1.0]], [[0.0] * 5]]), strips().repeat(2, 0), np.ones(2, bool)
    )
    delta = delta_energy(before, after)
    assert {*delta, *before} == {name for name in MAPS.names if "energy_" in name}
    assert delta["delta_energy_lesion"][0] < 0 < delta["delta_energy_padding"][0]
    assert sum(change[0] for change in delta.values()) == pytest.approx(0)
    assert np.isnan(delta["delta_energy_lesion"][1])


def test_relevance_rank_and_iou_by_hand() -> None:
    codes = strips()  # the lesion has 8 pixels
    maps = np.zeros((1, 4, 10))
    maps[0, :, 0] = 5  # 4 of the 8 largest in the lesion
    maps[0, :, 9] = 4
    rank = relevance_rank(maps, codes, YES, signed=False)
    assert rank[0] == 0.5
    assert iou_at_lesion_area(rank)[0] == pytest.approx(4 / 12)
    maps[0, :, 1] = 9
    assert iou_at_lesion_area(relevance_rank(maps, codes, YES, signed=False))[0] == 1.0


def test_tied_pixels_share_the_places_left() -> None:
    np.testing.assert_allclose(
        top_pixels(np.array([[3.0, 1.0, 1.0], [1.0, 0.0, 1.0]]), 3), [[1, 0.5, 0.5], [0.5, 0, 0.5]]
    )
    np.testing.assert_allclose(top_pixels(np.zeros((2, 2)), 4), np.ones((2, 2)))
    zero = relevance_rank(np.zeros((1, 4, 10)), strips(), YES, signed=False)
    assert np.isnan(zero[0])  # not the share of the area that a zero map would get


def test_topk_intersection_by_hand() -> None:
    before = np.array([[4.0, 3.0, 2.0, 1.0, 0.0]])
    after = np.array([[0.0, 3.0, 2.0, 1.0, 4.0]])
    assert topk_intersection(before, after, 1) == 0
    assert topk_intersection(before, after, 2) == 0.5
    assert topk_intersection(before, after, 4) == 0.75
    ties = np.array([[1.0, 0.0, 0.0, 0.0, 0.0]])
    assert topk_intersection(ties, ties, 3) == 1
