"""Cells of which a map says nothing: by hand, on 8 x 12 pixels of which the right third is padding."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from skimage.metrics import structural_similarity

from xaiaudit.faithfulness.similarity import between_images, similarity
from xaiaudit.metrics.chance import chance_shuffled
from xaiaudit.metrics.extremes import defined, tied, vanished
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.membership import membership
from xaiaudit.metrics.pointing import peak_state, pointing
from xaiaudit.metrics.top_pixels import relevance_rank, topk_intersection
from xaiaudit.metrics.undo import undo_motion

YES = np.array([True])
SHAPE = (8, 12)


def codes(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A lesion in the middle of the left half; padding in the right third."""
    found = np.full((1, *shape), 3, np.uint8)
    found[:, shape[0] // 4 : shape[0] // 2, shape[1] // 6 : shape[1] // 3] = 0
    found[:, :, 2 * shape[1] // 3 :] = 4
    return found


def negative(shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Below zero in all tissue, least so in the lesion's first pixel; 0 in padding, as maps of pixels are."""
    maps = -1 - np.random.default_rng(seed).random((1, *shape))
    maps[0, shape[0] // 4, shape[1] // 6] = -0.5
    return np.where(codes(shape) == 4, 0.0, maps)


def test_zeros_of_padding_are_no_maximum_of_a_map_that_is_negative_in_all_tissue() -> None:
    maps, regions = negative(), codes()
    tissue = regions != 4
    hits = pointing(maps, regions, YES, signed=True, within=tissue)
    assert (hits["maximum_in_lesion"][0], hits["maximum_in_padding"][0]) == (1, 0)
    assert peak_state(maps, regions, YES, signed=True, within=tissue) == ["lesion"]
    turned = pointing(-maps, regions, YES, signed=True, within=tissue)
    assert (turned["minimum_in_lesion"][0], turned["minimum_in_padding"][0]) == (1, 0)
    assert tied(maps, signed=True, within=tissue).argmax() == 2 * 12 + 2


def test_a_map_that_says_the_same_of_all_tissue_is_undefined_however_padding_differs() -> None:
    tissue = codes() != 4
    flat = np.where(tissue, -1.0, 0.0)
    assert defined(flat, signed=True)  # without knowing what padding is
    assert not defined(flat, signed=True, within=tissue)
    assert vanished(negative(), flat, signed=True, within=tissue)
    assert not defined(negative(), signed=True, within=~tissue)
    assert not defined(np.ones((1, *SHAPE)), signed=False, within=np.zeros((1, *SHAPE), bool))


def test_a_maximum_that_a_layer_has_in_padding_stays_there() -> None:
    maps = negative()
    maps[0, 4, 11] = 0.1
    assert peak_state(maps, codes(), YES, signed=True) == ["padding"]
    assert pointing(maps, codes(), YES, signed=True)["maximum_in_padding"][0] == 1


def test_padding_has_no_rank() -> None:
    maps, regions = negative(), codes()
    maps[regions == 0] = -0.5  # the lesion's pixels lead all tissue
    assert relevance_rank(maps, regions, YES, signed=True)[0] == 0  # as the zeros of padding lead them
    assert relevance_rank(maps, regions, YES, signed=True, within=regions != 4)[0] == 1


def test_shuffled_chance_looks_where_maps_speak() -> None:
    maps, regions = np.concatenate([negative(seed=0), negative(seed=1)]), np.repeat(codes(), 2, 0)
    inside = membership(regions, np.array([True, True])).at_cells(SHAPE)
    chance = chance_shuffled(maps, inside, signed=True, within=regions != 4)
    assert (chance["maximum_in_lesion"], chance["maximum_in_padding"]) == (1, 0)


def test_cells_that_say_nothing_are_alike_in_no_measure() -> None:
    """Two unrelated maps of tissue, equal in padding: likeness is that of tissue, as SciPy and scikit-image have it."""
    shape = (24, 36)
    before, after, regions = negative(shape, 0), negative(shape, 1), codes(shape)
    tissue = regions != 4
    found = {
        name: value[0]
        for name, value in map_shift(
            before, after, regions, YES, np.ones((1, 2)), signed=True, within=tissue
        ).items()
    }
    old, new = before[tissue], after[tissue]
    assert found["pearson"] == pytest.approx(pearsonr(old, new).statistic)
    assert found["spearman"] == pytest.approx(spearmanr(old, new).statistic)
    span = np.ptp(np.concatenate([old, new]))
    cropped = structural_similarity(before[0, :, :24], after[0, :, :24], data_range=span)
    assert found["ssim"] == pytest.approx(cropped)
    assert found["peak_mm"] == 0  # both peaks lie in the lesion's first pixel
    k = int((regions == 0).sum())
    assert found["topk_intersection"] == topk_intersection(before[0, :, :24], after[0, :, :24], k)
    blind = map_shift(before, after, regions, YES, np.ones((1, 2)), signed=True)
    for name in ("pearson", "spearman", "ssim", "topk_intersection"):
        assert blind[name][0] > found[name] + 0.2, name


def test_too_few_pixels_have_no_structure_and_no_top() -> None:
    regions = codes()
    few = np.zeros((1, *SHAPE), bool)
    few[0, :2, :3] = True  # six pixels: no window of 7 x 7, and fewer than ten
    regions[0, :2, 5:] = 0
    before, after = np.random.default_rng(0).random((2, 1, *SHAPE))
    found = map_shift(before, after, regions, YES, np.ones((1, 2)), signed=False, within=few)
    assert np.isnan([found["ssim"][0], found["topk_intersection"][0]]).all()
    assert np.isfinite(found["pearson"][0])


def test_what_left_the_field_of_view_is_not_alike() -> None:
    """Columns that moved out are filled in both maps; the rest of the second map is unrelated to the first."""
    before, after = np.random.default_rng(3).random((2, 1, 8, 12))
    valid = np.ones((1, 40, 60), bool)
    motion = np.array([[[1.0, 0, 0], [0, 1, 20.0]]])  # four of twelve columns to the right
    one, other, within, share = undo_motion(before, after, motion, valid)
    assert share[0] == pytest.approx(2 / 3)
    regions = np.full((1, 40, 60), 3, np.uint8)
    found = map_shift(one, other, regions, ~YES, np.ones((1, 2)), signed=False, within=within)
    old, new = before[0, :, :8].ravel(), after[0, :, 4:].ravel()
    assert found["pearson"][0] == pytest.approx(pearsonr(old, new).statistic)
    assert found["spearman"][0] == pytest.approx(spearmanr(old, new).statistic)
    filled = map_shift(one, other, regions, ~YES, np.ones((1, 2)), signed=False)
    assert filled["pearson"][0] > found["pearson"][0] + 0.3
    assert filled["ssim"][0] > found["ssim"][0]


def test_randomised_maps_are_compared_where_they_speak() -> None:
    shape = (24, 36)
    before, after, tissue = negative(shape, 0), negative(shape, 1), codes(shape) != 4
    found = similarity(before, after, shape, signed=True, within=tissue)
    assert found.spearman[0] == pytest.approx(spearmanr(before[tissue], after[tissue]).statistic)
    assert found.spearman[0] < similarity(before, after, shape, signed=True).spearman[0] - 0.2
    wider = np.concatenate([tissue, np.ones_like(tissue)])
    pairs = between_images(np.concatenate([before, after]), shape, signed=True, within=wider)
    assert pairs.spearman[0] == found.spearman[0]
