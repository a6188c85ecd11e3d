"""The pointing game by hand: 8 x 12 pixels, maps of 4 x 6 cells, each two pixels a side."""

import numpy as np
import pytest

from xaiaudit.metrics.chance import chance_shuffled, chance_uniform
from xaiaudit.metrics.membership import membership
from xaiaudit.metrics.pointing import KEYS, peak_state, pointing
from xaiaudit.records import MAPS, REGIONS

LESION, RING, POSTERIOR, ELSEWHERE, PADDING = range(5)
YES = np.array([True])


def codes() -> np.ndarray:
    """A lesion of 2 x 2 at row 2, column 6; ring left and right of it; posterior below; padding right."""
    grid = np.full((1, 8, 12), ELSEWHERE, np.uint8)
    grid[0, 2:4, 4:10] = RING
    grid[0, 2:4, 6:8] = LESION
    grid[0, 4:8, 6:8] = POSTERIOR
    grid[0, :, 10:] = PADDING
    return grid


def peak_at(*cells: tuple[int, int], value: float = 1.0) -> np.ndarray:
    maps = np.zeros((1, 4, 6))
    for cell in cells:
        maps[0][cell] = value
    return maps


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ((1, 3), "lesion"),
        ((1, 2), "ring"),
        ((1, 4), "ring"),
        ((3, 3), "posterior"),
        ((0, 0), "elsewhere"),
        ((3, 1), "elsewhere"),  # (1, 3) with rows and columns exchanged
        ((2, 5), "padding"),
    ],
)
def test_the_maximum_hits_the_region_its_cell_centre_lies_in(cell: tuple[int, int], region: str) -> None:
    maps = peak_at(cell)
    hits = pointing(maps, codes(), YES, signed=False)
    for name in REGIONS:
        assert hits[f"maximum_in_{name}"][0] == (name == region)
    assert hits["maximum_in_any"][0] == (region in ("lesion", "ring", "posterior"))
    assert peak_state(maps, codes(), YES, signed=False) == [region]


def test_keys_are_the_columns_of_the_table() -> None:
    hits = pointing(peak_at((1, 3)), codes(), YES, signed=True)
    assert set(hits) == set(KEYS) == {name for name in MAPS.names if "_in_" in name}
    member = membership(codes(), YES)
    assert set(chance_uniform(member)) == set(KEYS)
    assert set(chance_shuffled(peak_at((1, 3)), member.at_cells((4, 6)), signed=True)) == set(KEYS)


def test_tied_cells_give_the_share_inside_and_the_first_one_the_state() -> None:
    maps = peak_at((0, 0), (1, 3), (1, 2), (3, 3))
    hits = pointing(maps, codes(), YES, signed=False)
    assert [
        hits[f"maximum_in_{name}"][0] for name in ("lesion", "ring", "posterior", "any", "elsewhere")
    ] == [
        0.25,
        0.25,
        0.25,
        0.75,
        0.25,
    ]
    assert peak_state(maps, codes(), YES, signed=False) == ["elsewhere"]


def test_either_extreme_of_a_signed_map() -> None:
    maps = peak_at((0, 0)) - peak_at((1, 3))
    hits = pointing(maps, codes(), YES, signed=True)
    assert hits["maximum_in_lesion"][0] == 0
    assert hits["minimum_in_lesion"][0] == 1
    assert hits["either_in_lesion"][0] == 1
    assert hits["either_in_elsewhere"][0] == 1
    assert hits["either_in_ring"][0] == 0


def test_either_extreme_with_ties_on_both_sides() -> None:
    maps = peak_at((0, 0), (1, 3)) - peak_at((0, 1), (0, 2), (0, 3), (1, 3), value=2.0)
    maps += peak_at(
        (1, 3), value=2.0
    )  # the maximum is tied between (0, 0) and (1, 3), the minimum between three
    maps[0, 2, 3] = -2.0  # and now four, one of them posterior
    hits = pointing(maps, codes(), YES, signed=True)
    assert hits["maximum_in_any"][0] == 0.5
    assert hits["minimum_in_any"][0] == 0.25
    assert hits["either_in_any"][0] == pytest.approx(1 - 0.5 * 0.75)


def test_an_unsigned_map_has_one_extreme() -> None:
    hits = pointing(peak_at((1, 3)), codes(), YES, signed=False)
    assert np.isnan(hits["minimum_in_lesion"][0])
    assert np.isnan(hits["either_in_lesion"][0])


@pytest.mark.parametrize(
    ("maps", "signed"),
    [
        (np.zeros((1, 4, 6)), False),
        (np.full((1, 4, 6), -1.0), False),
        (np.zeros((1, 4, 6)), True),
        (np.full((1, 4, 6), 3.0), True),
        (np.where(peak_at((0, 0)) > 0, np.nan, 1.0), False),
        (np.where(peak_at((0, 0)) > 0, np.inf, 1.0), True),
    ],
)
def test_a_map_without_an_extreme_is_undefined_and_never_a_hit(maps: np.ndarray, signed: bool) -> None:
    assert all(np.isnan(value[0]) for value in pointing(maps, codes(), YES, signed=signed).values())
    assert peak_state(maps, codes(), YES, signed=signed) == ["undefined"]


def test_an_even_positive_map_is_defined_and_hits_by_area() -> None:
    hits = pointing(np.ones((1, 4, 6)), codes(), YES, signed=False)
    assert hits["maximum_in_lesion"][0] == pytest.approx(1 / 24)


def test_without_a_lesion_nothing_is_a_hit_or_a_miss() -> None:
    empty = np.full((1, 8, 12), ELSEWHERE, np.uint8)
    for grid, has_lesion in ((codes(), np.array([False])), (empty, YES)):
        hits = pointing(peak_at((1, 3)), grid, has_lesion, signed=True)
        assert all(np.isnan(value[0]) for value in hits.values())
        assert peak_state(peak_at((1, 3)), grid, has_lesion, signed=True) == ["unknown"]
        assert all(np.isnan(value[0]) for value in chance_uniform(membership(grid, has_lesion)).values())


def test_tolerance_is_in_mm_along_each_axis() -> None:
    maps = peak_at(
        (1, 1)
    )  # its centre lies in pixel (3, 3): one column left of the ring, three of the lesion
    spacing = np.array([[0.5, 2.0]])
    for tolerance, ring, lesion in ((1.9, 0, 0), (2.0, 1, 0), (5.9, 1, 0), (6.0, 1, 1)):
        hits = pointing(maps, codes(), YES, signed=False, tolerance_mm=tolerance, spacing=spacing)
        assert (hits["maximum_in_ring"][0], hits["maximum_in_lesion"][0]) == (ring, lesion), tolerance
    for unknown in (None, np.array([[np.nan, np.nan]])):
        hits = pointing(maps, codes(), YES, signed=False, tolerance_mm=2.0, spacing=unknown)
        assert np.isnan(hits["maximum_in_ring"][0])


def test_a_region_without_a_pixel_is_never_hit_whatever_the_tolerance() -> None:
    grid = codes()
    grid[grid == RING] = ELSEWHERE
    hits = pointing(peak_at((0, 0)), grid, YES, signed=False, tolerance_mm=1000.0, spacing=np.ones((1, 2)))
    assert hits["maximum_in_ring"][0] == 0
    assert hits["maximum_in_lesion"][0] == 1


def test_uniform_chance_is_the_share_of_valid_pixels() -> None:
    chance = chance_uniform(membership(codes(), YES))
    assert chance["maximum_in_lesion"][0] == pytest.approx(4 / 80)
    assert chance["minimum_in_any"][0] == pytest.approx((4 + 8 + 8) / 80)
    assert chance["maximum_in_padding"][0] == 0
    assert chance["either_in_ring"][0] == pytest.approx(1 - 0.9**2)


@pytest.mark.parametrize("signed", [False, True])
def test_shuffled_chance_equals_playing_every_pair(signed: bool) -> None:
    rng = np.random.default_rng(0)
    n = 300  # more than a block
    maps = rng.integers(0, 4, size=(n, 3, 5)).astype(np.float64)  # many ties
    maps[7] = 0  # undefined
    grids = rng.integers(0, 5, size=(n, 6, 10)).astype(np.uint8)
    has_lesion = rng.random(n) < 0.9
    known = np.flatnonzero(has_lesion & (maps.max((1, 2)) > 0))
    sums = dict.fromkeys(KEYS, 0.0)
    for shift in range(1, len(known)):  # every ordered pair of different images, once
        hits = pointing(maps[np.roll(known, shift)], grids[known], np.ones(len(known), bool), signed=signed)
        for key, value in hits.items():
            sums[key] += value.sum()
    chance = chance_shuffled(maps, membership(grids, has_lesion).at_cells((3, 5)), signed=signed)
    for key in KEYS:
        expected = sums[key] / (len(known) * (len(known) - 1))
        assert chance[key] == pytest.approx(expected, rel=1e-12, nan_ok=True), key


def test_shuffled_chance_of_one_image_is_undefined() -> None:
    inside = membership(codes(), YES).at_cells((4, 6))
    assert np.isnan(chance_shuffled(peak_at((1, 3)), inside, signed=False)["maximum_in_lesion"])


def test_uniform_chance_grows_with_the_tolerance_and_needs_spacing_for_it() -> None:
    chance = chance_uniform(membership(codes(), YES, tolerance_mm=1.0, spacing=np.ones((1, 2))))
    assert chance["maximum_in_lesion"][0] == pytest.approx(
        12 / 80
    )  # 2 x 2 pixels and the 8 that share a side
    unknown = membership(codes(), YES, tolerance_mm=1.0, spacing=np.full((1, 2), np.nan))
    assert np.isnan(chance_uniform(unknown)["maximum_in_lesion"][0])
    assert not unknown.known[0]


def test_cells_outside_the_valid_image_take_no_part_in_uniform_chance() -> None:
    chance = chance_uniform(membership(codes(), YES, tolerance_mm=100.0, spacing=np.ones((1, 2))))
    assert chance["maximum_in_lesion"][0] == 1


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_length_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="at least 0 mm"):
        pointing(peak_at((1, 3)), codes(), YES, signed=False, tolerance_mm=tolerance, spacing=np.ones((1, 2)))
