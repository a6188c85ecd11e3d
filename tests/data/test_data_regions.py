"""Regions against areas known in closed form."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from xaiaudit.data.regions import RELATIVE_RING, Regions, regions
from xaiaudit.records import REGIONS


def ellipse(
    shape: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float]
) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 <= 1


def area(found: Regions, name: str) -> int:
    return int((found.codes == REGIONS.index(name)).sum())


def at(found: Regions, row: int, column: int) -> str:
    return REGIONS[found.codes[row, column]]


def test_a_single_pixel_by_hand() -> None:
    mask = np.zeros((7, 7), bool)
    mask[2, 3] = True
    found = regions(mask, spacing=(1.0, 1.0), ring_mm=1.0)
    e, r, p, s = (REGIONS.index(name) for name in ("lesion", "ring", "posterior", "elsewhere"))
    expected = np.full((7, 7), s)
    expected[2, 3] = e
    expected[[1, 3, 2, 2], [3, 3, 2, 4]] = r
    expected[4:, 3] = p
    np.testing.assert_array_equal(found.codes, expected)
    assert found.codes.dtype == np.uint8


def test_the_ring_of_a_disc_has_the_area_of_an_annulus() -> None:
    radius_mm, spacing = 10.0, 0.1
    mask = ellipse((600, 600), (250, 300), (radius_mm / spacing,) * 2)
    found = regions(mask, spacing=(spacing, spacing))
    annulus = math.pi * (15.0**2 - 10.0**2)
    assert area(found, "ring") * spacing**2 == pytest.approx(annulus, rel=0.01)
    # behind: the strip of the disc's width below it, less the disc's lower half and the ring below it
    below = 2 * radius_mm * (599 - 250) * spacing
    under_outer = radius_mm * math.sqrt(15**2 - 10**2) + 15**2 * math.asin(
        10 / 15
    )  # |x| <= 10, half disc of 15
    assert area(found, "posterior") * spacing**2 == pytest.approx(below - under_outer, rel=0.01)
    assert found.calibrated


def test_the_ring_of_an_anisotropic_ellipse_has_the_area_of_its_parallel_set() -> None:
    spacing = (0.05, 0.2)
    a, b = 6.0, 12.0  # half axes in mm: depth, lateral
    mask = ellipse((700, 240), (300, 120), (a / spacing[0], b / spacing[1]))
    found = regions(mask, spacing=spacing, ring_mm=5.0)
    angle = np.linspace(0, 2 * math.pi, 100_001)
    perimeter = np.hypot(np.diff(a * np.cos(angle)), np.diff(b * np.sin(angle))).sum()
    steiner = perimeter * 5.0 + math.pi * 5.0**2  # area of a convex set's parallel band
    assert area(found, "ring") * spacing[0] * spacing[1] == pytest.approx(steiner, rel=0.02)


@pytest.mark.parametrize("aspect", [1.0, 0.5, 2.0])
def test_without_spacing_the_ring_follows_the_equivalent_diameter_and_the_pixel_aspect(aspect: float) -> None:
    radius = 60.0  # in pixel widths: a true disc, whatever the pixels' height
    mask = ellipse((800, 400), (400, 200), (radius / aspect, radius))
    found = regions(mask, aspect=aspect)
    outer = radius * (1 + 2 * RELATIVE_RING)
    assert area(found, "ring") * aspect == pytest.approx(math.pi * (outer**2 - radius**2), rel=0.02)
    assert not found.calibrated


def test_without_spacing_each_component_has_a_ring_of_its_own_width() -> None:
    big, small = ellipse((400, 800), (100, 200), (60, 60)), ellipse((400, 800), (100, 600), (20, 20))
    both, alone = regions(big | small), (regions(big), regions(small))
    assert area(both, "ring") == sum(area(one, "ring") for one in alone)
    assert area(both, "posterior") == sum(area(one, "posterior") for one in alone)


def test_behind_the_upper_of_two_stacked_components_the_gap_is_posterior_and_the_lower_stays_lesion() -> None:
    upper, lower = ellipse((600, 200), (100, 100), (30, 30)), ellipse((600, 200), (300, 100), (30, 30))
    found = regions(upper | lower, spacing=(1.0, 1.0), ring_mm=10)
    column = [at(found, row, 100) for row in (135, 200, 265, 300, 335, 500)]
    assert column == ["ring", "posterior", "ring", "lesion", "ring", "posterior"]
    assert at(found, 10, 100) == "elsewhere"


def test_a_notch_inside_a_component_is_not_behind_it() -> None:
    mask = np.zeros((40, 20), bool)
    mask[5:8, 5:15] = mask[20:23, 5:15] = mask[5:23, 5:8] = True  # a C: one component, open to the right
    found = regions(mask, spacing=(1.0, 1.0), ring_mm=1.0)
    assert at(found, 14, 12) == "elsewhere"
    assert at(found, 30, 12) == "posterior"


def test_a_lesion_at_the_border_is_cut_there() -> None:
    mask = ellipse((200, 200), (199, 0), (50, 50))
    found = regions(mask, spacing=(1.0, 1.0), ring_mm=10)
    assert area(found, "posterior") == 0
    assert area(found, "ring") == pytest.approx(math.pi * (60**2 - 50**2) / 4, rel=0.03)


def test_padding_is_never_tissue_and_ends_the_posterior_region() -> None:
    mask = ellipse((200, 200), (100, 100), (20, 20))
    valid = np.zeros((200, 200), bool)
    valid[20:160, 110:] = True  # cuts the lesion too
    found = regions(mask, spacing=(1.0, 1.0), valid=valid)
    assert ((found.codes == REGIONS.index("padding")) == ~valid).all()
    assert at(found, 159, 115) == "posterior"
    assert at(found, 160, 115) == "padding"
    assert area(found, "lesion") == int((mask & valid).sum())


@pytest.mark.parametrize("spacing", [(1.0, 1.0), None])
def test_an_empty_mask_leaves_elsewhere_and_padding(spacing: tuple[float, float] | None) -> None:
    valid = np.zeros((20, 30), bool)
    valid[:, 5:25] = True
    found = regions(np.zeros((20, 30), bool), spacing=spacing, valid=valid)
    assert area(found, "elsewhere") == valid.sum()
    assert area(found, "padding") == (~valid).sum()


@pytest.mark.parametrize(("depth", "turns"), [("down", 0), ("right", 1), ("up", 2), ("left", 3)])
def test_depth_turns_with_the_image(depth: str, turns: int) -> None:
    mask = ellipse((90, 130), (30, 50), (10, 18)) | ellipse((90, 130), (55, 80), (6, 8))
    down = regions(mask, spacing=(0.5, 0.8), ring_mm=4)
    spacing = (0.5, 0.8) if turns % 2 == 0 else (0.8, 0.5)
    turned = regions(np.rot90(mask, turns), spacing=spacing, ring_mm=4, depth=depth)  # type: ignore[arg-type] # a literal from a table
    np.testing.assert_array_equal(turned.codes, np.rot90(down.codes, turns))


def test_impossible_lengths_and_shapes_are_refused() -> None:
    mask = np.ones((4, 4), bool)
    with pytest.raises(ValueError, match="must be positive"):
        regions(mask, spacing=(0.1, 0.0))
    with pytest.raises(ValueError, match="bring both to one grid"):
        regions(mask, valid=np.ones((4, 5), bool))


def test_every_real_mask_is_divided_without_rest(test_data: Path) -> None:
    from PIL import Image

    files = sorted((test_data / "busi" / "malignant").glob("*_mask.png"))[:40]
    assert files
    for file in files:
        mask = np.asarray(Image.open(file).convert("L")) > 127
        found = regions(mask)
        assert area(found, "lesion") == mask.sum()
        assert area(found, "ring") > 0
