"""Map shift by hand, then against SciPy and scikit-image, on grids that are not square."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr, wasserstein_distance_nd
from skimage.metrics import structural_similarity

from xaiaudit.metrics.displacement import mass_centres, wasserstein_mm
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.extremes import vanished
from xaiaudit.metrics.grids import centres, upsample
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import peak_state, pointing
from xaiaudit.records import SHIFT_METRICS

SHAPE = (40, 60)  # pixels; maps of 4 x 6 cells of 10 pixels
SPACING = np.array([[0.1, 0.2]])
UNKNOWN = np.array([[np.nan, np.nan]])
DIAGONAL = np.hypot(*SHAPE)


def grid(lesion: bool = True) -> np.ndarray:
    codes = np.full((1, *SHAPE), 3, np.uint8)
    if lesion:
        codes[0, 10:20, 20:30] = 0  # 100 pixels
    return codes


def points(**cells: float) -> np.ndarray:
    """A map with values at cells named r<row>c<column>."""
    maps = np.zeros((1, 4, 6))
    for name, value in cells.items():
        maps[0, int(name[1]), int(name[3])] = value
    return maps


def shift(
    before: np.ndarray, after: np.ndarray, *, signed: bool = False, spacing: np.ndarray = SPACING, **kw: bool
):
    codes = grid(**kw)
    return {
        key: value[0]
        for key, value in map_shift(
            before, after, codes, (codes == 0).any((1, 2)), spacing, signed=signed
        ).items()
    }


def test_one_peak_that_moves_by_hand() -> None:
    values = shift(points(r0c0=1), points(r3c4=7))  # 3 rows and 4 columns of 10 pixels: 30 and 40 pixels
    millimetres = np.hypot(30 * 0.1, 40 * 0.2)
    for name in ("peak", "mass_centre", "wasserstein"):
        assert values[f"{name}_mm"] == pytest.approx(millimetres), name
    for name in ("peak", "mass_centre"):
        assert values[f"{name}_diagonal"] == pytest.approx(50 / DIAGONAL)
    assert values["topk_intersection"] == pytest.approx(0, abs=1e-12)
    assert values["pearson"] == pytest.approx(-1 / 23)  # two different unit impulses among 24 cells
    assert values["spearman"] == pytest.approx(-1 / 23)


def test_the_mass_centre_weighs_positive_mass_only() -> None:
    values = shift(points(r0c0=1, r3c5=-9), points(r0c0=1, r0c2=3), signed=True)
    assert values["mass_centre_mm"] == pytest.approx(0.75 * 20 * 0.2)
    assert values["wasserstein_mm"] == pytest.approx(0.75 * 20 * 0.2)
    assert values["peak_mm"] == pytest.approx(20 * 0.2)


@pytest.mark.parametrize("signed", [False, True])
def test_equal_maps_have_not_moved(signed: bool) -> None:
    maps = np.random.default_rng(0).normal(size=(1, 4, 6))
    values = shift(maps, maps.copy(), signed=signed)
    assert tuple(values) == SHIFT_METRICS
    for name, value in values.items():
        still = 1 if name in ("topk_intersection", "spearman", "pearson", "ssim") else 0
        assert value == pytest.approx(still, abs=1e-9), name


def test_scale_is_seen_by_structure_and_not_by_position() -> None:
    maps = np.random.default_rng(0).random((1, 4, 6))
    values = shift(maps, maps * 0.2)
    assert values["ssim"] < 0.9  # a map that fades: min-max normalisation would hide it
    assert values["pearson"] == pytest.approx(1)
    assert values["mass_centre_mm"] == pytest.approx(0, abs=1e-9)


def test_without_spacing_there_are_no_millimetres() -> None:
    values = shift(points(r0c0=1), points(r3c4=7), spacing=UNKNOWN)
    for name, value in values.items():
        assert np.isnan(value) == name.endswith("_mm"), name


def test_the_diagonal_is_that_of_the_valid_image() -> None:
    codes = grid()
    codes[0, :, :6] = 4  # padding left and right
    codes[0, :, 54:] = 4
    values = map_shift(points(r0c0=1), points(r3c4=7), codes, np.array([True]), SPACING, signed=False)
    assert values["peak_diagonal"][0] == pytest.approx(50 / np.hypot(40, 48))


@pytest.mark.parametrize(
    "undefined", [np.zeros((1, 4, 6)), np.full((1, 4, 6), np.nan), np.full((1, 4, 6), -1.0)]
)
def test_a_map_without_extreme_has_no_shift_but_can_vanish(undefined: np.ndarray) -> None:
    for signed in (False, True):
        for pair in ((points(r0c0=1), undefined), (undefined, points(r0c0=1))):
            assert all(np.isnan(value) for value in shift(*pair, signed=signed).values())
        assert vanished(points(r0c0=1), undefined, signed=signed)[0]
        assert not vanished(undefined, points(r0c0=1), signed=signed)[0]
        assert not vanished(undefined, undefined, signed=signed)[0]


def test_a_signed_map_without_positive_mass_keeps_peak_and_correlation() -> None:
    values = shift(points(r0c0=1), points(r0c1=-1), signed=True)
    assert np.isnan(values["mass_centre_mm"])
    assert np.isnan(values["wasserstein_mm"])
    assert np.isfinite(values["pearson"])
    assert values["peak_mm"] == 0  # the maximum, 0, is tied; the first such cell is where the peak was


def test_a_constant_map_has_no_correlation() -> None:
    values = shift(np.ones((1, 4, 6)), points(r0c0=1))
    assert np.isnan(values["pearson"])
    assert np.isnan(values["spearman"])
    assert np.isfinite(values["ssim"])
    assert np.isnan(shift(np.ones((1, 4, 6)), np.ones((1, 4, 6)))["ssim"])


def test_topk_counts_as_many_pixels_as_the_lesion_has_or_five_percent_of_the_valid_ones() -> None:
    before, noise = np.random.default_rng(0).random((2, 1, 4, 6))
    after = before + 0.3 * noise
    planes = upsample(np.concatenate([before, after]), SHAPE).reshape(2, -1)
    for lesion, k in ((True, 100), (False, 120)):
        top = [set(np.argsort(plane)[-k:]) for plane in planes]
        expected = len(top[0] & top[1]) / k
        assert 0 < expected < 1
        assert shift(before, after, lesion=lesion)["topk_intersection"] == pytest.approx(expected)


def test_correlations_structure_and_transport_equal_the_libraries() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.integers(0, 6, size=(2, 1, 4, 6)).astype(np.float64)  # ties
    values = shift(before, after)
    assert values["pearson"] == pytest.approx(pearsonr(before.ravel(), after.ravel()).statistic)
    assert values["spearman"] == pytest.approx(spearmanr(before.ravel(), after.ravel()).statistic)
    large = [upsample(maps, SHAPE)[0] for maps in (before, after)]
    span = max(map(np.max, large)) - min(map(np.min, large))
    assert values["ssim"] == pytest.approx(structural_similarity(*large, data_range=span))
    cells = np.stack(np.meshgrid(centres(4, 40) * 0.1, centres(6, 60) * 0.2, indexing="ij"), -1).reshape(
        -1, 2
    )
    expected = wasserstein_distance_nd(cells, cells, before.ravel(), after.ravel())
    assert values["wasserstein_mm"] == pytest.approx(expected)


def test_transport_on_a_fine_grid_is_pooled_and_never_shorter_than_the_way_of_the_mass_centre() -> None:
    rng = np.random.default_rng(4)
    before, after = rng.random((2, 3, 28, 30)) ** 4
    spacing = np.array([[0.1, 0.2]]).repeat(3, 0)
    moved = (mass_centres(after, SHAPE) - mass_centres(before, SHAPE)) * spacing
    transport = wasserstein_mm(before, after, SHAPE, spacing)
    assert (transport >= np.linalg.norm(moved, axis=1) - 0.02).all()  # pooling 30 to 14 shifts mass a little
    impulse = np.full((1, 28, 28), -1.0)  # signed: negative cells carry no mass, nor take any when pooled
    impulse[0, 0, 0] = 1
    other = np.zeros((1, 28, 28))
    other[0, 27, 1] = 1
    assert wasserstein_mm(impulse, other, (56, 56), np.ones((1, 2)))[0] == pytest.approx(13 * 4)


def test_no_images_give_no_values() -> None:
    maps, codes, none = np.zeros((0, 4, 6)), np.zeros((0, *SHAPE), np.uint8), np.zeros(0, bool)
    values = map_shift(maps, maps, codes, none, np.zeros((0, 2)), signed=True)
    values |= pointing(maps, codes, none, signed=True) | energy_shares(maps, codes, none)
    assert {value.shape for value in values.values()} == {(0,)}
    assert peak_state(maps, codes, none, signed=True) == []


def test_an_image_is_measured_alike_alone_and_in_a_batch() -> None:
    rng = np.random.default_rng(5)
    before, after = rng.normal(size=(2, 3, 5, 7)).astype(np.float32)
    codes = rng.integers(0, 5, size=(3, 30, 20)).astype(np.uint8)
    spacing = np.array([[0.1, 0.2], [np.nan, np.nan], [0.3, 0.3]])
    has_lesion = np.array([True, True, False])
    together = map_shift(before, after, codes, has_lesion, spacing, signed=True)
    for i in range(3):
        one = slice(i, i + 1)
        alone = map_shift(before[one], after[one], codes[one], has_lesion[one], spacing[one], signed=True)
        for name in SHIFT_METRICS:
            np.testing.assert_allclose(alone[name], together[name][one], rtol=1e-12)
