"""Faults of known tools, each shown not to be ours: nothing counted as a hit, magnitude hidden, rows taken for x."""

from collections.abc import Callable

import numpy as np
import pytest

from xaiaudit.data.regions import regions
from xaiaudit.metrics.displacement import mass_centres
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import pointing
from xaiaudit.metrics.pseudo_mask import largest_boxes, pseudo_masks, pseudo_scores
from xaiaudit.metrics.top_pixels import relevance_rank

SHAPE = (24, 40)
YES, SPACING = np.array([True]), np.array([[0.2, 0.1]])

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, np.ndarray]]


def pseudo(maps: np.ndarray, codes: np.ndarray, has_lesion: np.ndarray) -> dict[str, np.ndarray]:
    masks = pseudo_masks(maps, codes.shape[1:])
    return pseudo_scores(masks, largest_boxes(masks), codes, has_lesion)


METRICS: dict[str, Metric] = {
    "pointing": lambda maps, codes, has: {
        key: value
        for key, value in pointing(maps, codes, has, signed=False).items()
        if key.startswith("maximum")
    },
    "energy": energy_shares,
    "rank": lambda maps, codes, has: {"rank": relevance_rank(maps, codes, has, signed=False)},
    "pseudo-mask": pseudo,
}


def lesion() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[6:12, 22:34] = True
    return mask


def codes(mask: np.ndarray | None = None) -> np.ndarray:
    return regions(lesion() if mask is None else mask, spacing=(0.2, 0.1), ring_mm=0.4).codes[None]


def over_the_lesion() -> np.ndarray:
    """A map of 6 x 10 cells, four pixels each, with its peak on the lesion and a slope towards it."""
    rows, columns = np.indices((6, 10))
    return np.exp(-((rows - 2) ** 2 + (columns - 6) ** 2) / 6.0)[None]


@pytest.mark.parametrize("name", METRICS)
def test_a_map_on_the_lesion_counts(name: str) -> None:
    values = METRICS[name](over_the_lesion(), codes(), YES)
    assert all(np.isfinite(value[0]) for value in values.values())
    assert max(value[0] for value in values.values()) > 0.2


@pytest.mark.parametrize("name", METRICS)
def test_a_zero_map_is_no_hit_and_no_miss(name: str) -> None:
    """np.argmax of zeros is cell 0, which lies in a lesion that touches the corner."""
    corner = np.zeros(SHAPE, bool)
    corner[:6, :8] = True
    for maps in (np.zeros((1, 6, 10)), np.full((1, 6, 10), np.nan), -over_the_lesion()):
        values = METRICS[name](maps, codes(corner), YES)
        assert all(np.isnan(value[0]) for value in values.values())


@pytest.mark.parametrize("name", METRICS)
def test_an_empty_mask_is_no_hit_and_no_miss(name: str) -> None:
    """0 pixels of 0 in the lesion are no share of 1, and an outline that was never drawn is none that was missed."""
    empty = codes(np.zeros(SHAPE, bool))
    for grid, has_lesion in ((empty, YES), (empty, ~YES), (codes(), ~YES)):
        values = METRICS[name](over_the_lesion(), grid, has_lesion)
        assert all(np.isnan(value[0]) for value in values.values())


def test_min_max_normalisation_would_be_seen() -> None:
    """Stretching to [0, 1] takes an even floor off the map, and the fading of a whole map; the metrics see both."""
    sharp = over_the_lesion()
    raised = sharp + 0.5
    assert (
        energy_shares(raised, codes(), YES)["energy_lesion"]
        < energy_shares(sharp, codes(), YES)["energy_lesion"]
    )
    assert pseudo(raised, codes(), YES)["pseudo_dice"] < pseudo(sharp, codes(), YES)["pseudo_dice"]
    assert np.linalg.norm(mass_centres(raised, SHAPE) - mass_centres(sharp, SHAPE)) > 1
    faded = map_shift(sharp, 0.1 * sharp, codes(), YES, SPACING, signed=False)
    assert faded["ssim"][0] < 0.5
    assert faded["pearson"][0] == pytest.approx(1)  # says how it is shaped, not how strong it is


@pytest.mark.parametrize("name", METRICS)
def test_rows_are_not_taken_for_x(name: str) -> None:
    """An image turned over its diagonal has the same values; code that indexes rows with x has not, or fails."""
    upright, turned = over_the_lesion(), over_the_lesion().transpose(0, 2, 1)
    grid = codes()
    values = METRICS[name](upright, grid, YES)
    of_turned = METRICS[name](turned, np.ascontiguousarray(grid.transpose(0, 2, 1)), YES)
    for key, value in values.items():
        assert of_turned[key][0] == pytest.approx(value[0], abs=1e-12), key


def test_shift_and_boxes_turn_with_the_image() -> None:
    before, after = over_the_lesion(), np.roll(over_the_lesion(), (1, -3), (1, 2))
    grid = codes()
    values = map_shift(before, after, grid, YES, SPACING, signed=False)
    turned = map_shift(
        before.transpose(0, 2, 1),
        after.transpose(0, 2, 1),
        grid.transpose(0, 2, 1),
        YES,
        SPACING[:, ::-1],
        signed=False,
    )
    for key, value in values.items():
        assert turned[key][0] == pytest.approx(value[0], abs=1e-9), key
    ((x0, y0, x1, y1),) = largest_boxes(pseudo_masks(before, SHAPE))
    assert largest_boxes(pseudo_masks(before.transpose(0, 2, 1), SHAPE[::-1])).tolist() == [[y0, x0, y1, x1]]
    assert x1 > SHAPE[0]  # a column that is no row
