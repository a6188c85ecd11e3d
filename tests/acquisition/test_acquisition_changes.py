"""Every change of the registry keeps what all must keep, and does what its formula says on images made by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from xaiaudit.acquisition.motion import Rotation, Shift, joined
from xaiaudit.acquisition.registry import CHANGES, change, parse, settings
from xaiaudit.acquisition.speckle import FULLY_DEVELOPED_DB, Speckle, grain
from xaiaudit.acquisition.sweep import draws, swept
from xaiaudit.acquisition.view import (
    AXIAL_MM,
    DYNAMIC_RANGE_DB,
    LATERAL_MM,
    SIGMAS_PER_WIDTH,
    View,
    brighter,
    view_of,
)
from xaiaudit.errors import UsageError
from xaiaudit.types import IDENTITY

NONE = {"shift": "mm=0", "rotation": "degrees=0", "blur": "widening=1", "speckle": "correlation=1", "tgc": "db=0",
        "gain": "db=0"}  # fmt: skip
ALL = [(name, change(name)) for name in CHANGES]


def tissue(seed: int = 0, size: int = 96) -> tuple[np.ndarray, View]:
    """Grain of a scanner around a mid grey, with padding left and right and an echo-free disc, on the 8-bit grid."""
    valid = np.ones((size, size), bool)
    valid[:, :10] = valid[:, -14:] = False
    view = view_of(valid, (0.2, 0.2))
    y, x = np.mgrid[:size, :size]
    image = 0.5 + 0.06 * grain(view, np.random.default_rng(seed))
    image[(y - 50) ** 2 + (x - 40) ** 2 < 100] = 0
    return np.rint(np.where(valid, image, 0).clip(0, 1) * 255) / 255, view


@pytest.mark.parametrize("changes", [*([pair] for pair in ALL), ALL], ids=[*CHANGES, "all"])
def test_a_change_keeps_the_box_the_grid_and_the_padding_and_belongs_to_the_seed(changes: list) -> None:
    image, view = tissue()
    kept = image.copy()
    shown = swept(image, view, changes, seed=7).image
    assert (image == kept).all()
    assert shown.min() >= 0
    assert shown.max() <= 1
    np.testing.assert_allclose(shown * 255, np.rint(shown * 255), atol=1e-9)
    assert (shown[~view.valid] == image[~view.valid]).all()
    assert (shown != image).any()
    assert (swept(image, view, changes, seed=7).image == shown).all()
    if [name for name, _ in changes] not in (["blur"], ["jpeg"]):  # which draw nothing
        assert any((swept(image, view, changes, seed=seed).image != shown).any() for seed in range(8, 16))


@pytest.mark.parametrize("name", NONE)
def test_without_strength_nothing_changes(name: str) -> None:
    image, view = tissue()
    _, parameters = parse(f"{name}:{NONE[name]}")
    shown = swept(image, view, [(name, change(name, **parameters))], seed=3)
    assert (shown.image == image).all()
    np.testing.assert_allclose(shown.motion, IDENTITY, atol=1e-12)


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_without_real_pixels_and_a_black_one_stay(name: str) -> None:
    black = np.zeros((32, 32))
    for valid in (np.zeros((32, 32), bool), np.ones((32, 32), bool)):
        assert (swept(black, view_of(valid, None), [(name, change(name))], seed=0).image == 0).all()


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_of_a_single_row_can_be_swept(name: str) -> None:
    valid = np.zeros((32, 32), bool)
    valid[5, 3:9] = True
    shown = swept(np.full((32, 32), 0.4), view_of(valid, None), [(name, change(name))], seed=0).image
    assert np.isfinite(shown).all()
    assert (shown[~valid] == 0.4).all()


def test_gain_adds_grey_levels_and_leaves_what_was_clipped() -> None:
    image = np.array([[0.0, 0.05, 0.1, 0.5, 0.9, 0.95, 1.0]])
    step = 3 / DYNAMIC_RANGE_DB  # 3 dB of 60
    for sign in (1, -1):
        expected = image + sign * step * np.array([[0, 0.5, 1, 1, 1, 0.5, 0]])
        np.testing.assert_allclose(brighter(image, sign * 3.0), expected, atol=1e-12)
    ramp = np.linspace(0, 1, 256)[None]
    for decibels in (-6.0, 6.0):
        assert (np.diff(brighter(ramp, decibels)) >= -1e-12).all()  # no two grey levels change places


def test_gain_goes_up_and_down_by_the_same_for_all_pixels() -> None:
    image, view = np.full((20, 20), 0.5), view_of(np.ones((20, 20), bool), None)
    gain = [("gain", change("gain", db=2))]
    found = {round(float(swept(image, view, gain, seed=seed).image[0, 0] * 255)) for seed in range(20)}
    assert found == {round(127.5 - 8.5), round(127.5 + 8.5)}


def test_time_gain_varies_with_depth_alone_slowly_and_without_overall_gain() -> None:
    image, view = np.full((101, 40), 0.5), view_of(np.ones((101, 40), bool), None)
    for seed in range(5):
        shown = change("tgc", db=2)(image, view, np.random.default_rng(seed)).image
        curve = (shown[:, 0] - 0.5) * DYNAMIC_RANGE_DB
        assert np.ptp(shown, axis=1).max() == 0
        assert np.abs(curve).max() <= 4  # 2 dB and a mean of at most as much
        assert np.abs(np.diff(curve)).max() < 2 * 4 / 20  # sliders are 20 rows apart
        assert abs(curve[::20].mean()) < 1e-9


def test_time_gain_may_exceed_its_draws_and_does_not_say_otherwise() -> None:
    image, view = np.full((101, 40), 0.5), view_of(np.ones((101, 40), bool), None)
    tgc = change("tgc", db=2)
    most = max(np.abs(tgc(image, view, np.random.default_rng(seed)).image - 0.5).max() for seed in range(40))
    assert most * DYNAMIC_RANGE_DB > 2.2  # the mean of all six is taken off
    assert "less their mean" in tgc.describe()


def test_blur_of_one_echo_is_the_wider_gaussian_before_compression() -> None:
    size, peak_db = 81, 58.0
    view = view_of(np.ones((size, size), bool), (0.1, 0.1))
    y, x = (np.mgrid[:size, :size] - size // 2) * 0.1
    widths = np.array([AXIAL_MM, LATERAL_MM]) / SIGMAS_PER_WIDTH

    def spot(factor: float) -> np.ndarray:  # decibels of a Gaussian echo, in the scale of the image
        a, b = widths * factor
        return (
            peak_db - 40 * np.log10(factor) - 10 * ((y / a) ** 2 + (x / b) ** 2) / np.log(10)
        ) / DYNAMIC_RANGE_DB

    shown = change("blur", widening=1.3)(spot(1.0).clip(0), view, np.random.default_rng(0)).image
    bright = spot(1.3) > 0.5  # where the black floor does not matter
    assert bright.sum() > 50
    np.testing.assert_allclose(shown[bright], spot(1.3)[bright], atol=0.004)  # a grey level, of sampling


def test_blur_takes_nothing_from_the_padding() -> None:
    image, view = tissue()
    image = np.where(view.valid, 0.5, 0.0)
    shown = change("blur", widening=2)(image, view, np.random.default_rng(0)).image
    np.testing.assert_allclose(shown[view.valid], 0.5, atol=1e-9)


def test_speckle_keeps_mean_and_variance_and_correlates_as_asked() -> None:
    view = view_of(np.ones((256, 256), bool), (0.2, 0.2))
    first = 0.5 + 0.05 * grain(view, np.random.default_rng(1))
    window = view.pixels(AXIAL_MM, LATERAL_MM)
    for correlation in (0.9, 0.5, 0.0):
        second = Speckle(correlation=correlation)(first, view, np.random.default_rng(2)).image
        assert second.mean() == pytest.approx(first.mean(), abs=0.002)
        rest = first - view.smooth(first, window)
        drawn = second - first + rest  # what the rest became: the part kept and the part drawn
        assert drawn.std() == pytest.approx(rest.std(), rel=0.03)
        assert np.corrcoef(rest.ravel(), drawn.ravel())[0, 1] == pytest.approx(correlation, abs=0.02)


def test_no_more_than_fully_developed_speckle_is_drawn() -> None:
    assert pytest.approx(5.57, abs=0.005) == FULLY_DEVELOPED_DB
    rayleigh = np.random.default_rng(0).rayleigh(size=200_000)
    assert (20 * np.log10(rayleigh)).std() == pytest.approx(FULLY_DEVELOPED_DB, rel=0.01)
    view = view_of(np.ones((128, 128), bool), (0.2, 0.2))
    edges = (np.indices((128, 128)).sum(0) // 3 % 2).astype(float)  # black and white: far more than speckle
    change_made = Speckle(correlation=0.0)(edges, view, np.random.default_rng(0)).image - edges
    assert change_made.std() * DYNAMIC_RANGE_DB < 2 * FULLY_DEVELOPED_DB


def test_grain_has_unit_variance_and_the_size_of_the_point_spread() -> None:
    view = view_of(np.ones((400, 400), bool), (0.1, 0.1))
    noise = grain(view, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, rel=0.05)
    for axis, width in ((0, AXIAL_MM), (1, LATERAL_MM)):
        lag = round(width / 0.1)
        expected = np.exp(-((lag * 0.1) ** 2) / (4 * (width / SIGMAS_PER_WIDTH) ** 2))
        assert (noise * np.roll(noise, lag, axis)).mean() == pytest.approx(expected, abs=0.05)


def test_a_shift_moves_whole_pixels_within_the_real_part_and_mirrors_what_was_never_seen() -> None:
    image, view = tissue()
    shown, motion = swept(image, view, [("shift", Shift(mm=2.0))], seed=1)
    down, right = motion[:, 2].astype(int)
    assert (motion[:, :2] == np.eye(2)).all()
    assert np.hypot(down * 0.2, right * 0.2) == pytest.approx(2, abs=0.15)
    part, new = image[view.box], shown[view.box]
    rows, columns = (np.arange(n) - step for n, step in zip(part.shape, (down, right), strict=True))
    known = np.ix_(*[(at >= 0) & (at < n) for at, n in zip((rows, columns), part.shape, strict=True)])
    expected = np.pad(part, 20, mode="reflect")[np.ix_(rows + 20, columns + 20)]
    np.testing.assert_allclose(new[known], expected[known], atol=1e-9)
    np.testing.assert_allclose(new, expected, atol=1e-9)


@pytest.mark.parametrize("spacing", [(0.2, 0.2), (0.3, 0.15)])
def test_a_rotation_turns_millimetres_about_the_middle(spacing: tuple[float, float]) -> None:
    valid = np.ones((90, 120), bool)
    view = view_of(valid, spacing)
    y, x = (np.indices(valid.shape) + 0.5 - np.array([45, 60])[:, None, None]) * np.array(spacing)[
        :, None, None
    ]
    image = np.exp(
        -((y - 4) ** 2 + (x - 5) ** 2) / 4
    )  # a smooth spot at 4 mm below and 5 mm right of the middle
    shown, motion = swept(image, view, [("rotation", Rotation(degrees=10.0))], seed=4)
    centre = (np.array([4, 5]) / spacing) + np.array([45, 60])
    there = motion[:, :2] @ centre + motion[:, 2]
    weights = np.where(shown > 0.1, shown, 0)
    found = np.array([(weights * (np.indices(valid.shape)[a] + 0.5)).sum() / weights.sum() for a in (0, 1)])
    np.testing.assert_allclose(found, there, atol=0.2)
    arm = (there - np.array([45, 60])) * spacing
    assert np.hypot(*arm) == pytest.approx(np.hypot(4, 5))
    turned = np.arccos(arm @ [4, 5] / 41)
    assert np.rad2deg(turned) == pytest.approx(10)


def test_motions_join_in_order() -> None:
    quarter = np.array([[0.0, -1, 10], [1, 0, 0]])
    along = np.array([[1.0, 0, 3], [0, 1, 5]])
    point = np.array([2.0, 7])
    turned = quarter[:, :2] @ point + quarter[:, 2]
    whole = joined(quarter, along)
    np.testing.assert_allclose(whole[:, :2] @ point + whole[:, 2], turned + np.array([3, 5]))


def test_jpeg_is_that_of_the_real_part() -> None:
    image, view = tissue()
    stored = io.BytesIO()
    Image.fromarray(np.rint(image[view.box] * 255).astype(np.uint8)).save(stored, "JPEG", quality=75)
    shown = swept(image, view, [("jpeg", change("jpeg"))], seed=0).image
    assert (np.rint(shown[view.box] * 255) == np.asarray(Image.open(stored))).all()


def test_draws_of_a_change_are_its_own_whatever_the_others() -> None:
    image, view = tissue()
    shift = swept(image, view, [("shift", Shift())], seed=5).motion
    both = swept(image, view, [("shift", Shift()), ("gain", change("gain"))], seed=5).motion
    assert (shift == both).all()
    assert draws(5, "gain").random() != draws(5, "shift").random()


def test_without_spacing_an_image_is_taken_for_forty_millimetres_deep() -> None:
    valid = np.zeros((100, 100), bool)
    valid[10:90] = True
    assert view_of(valid, None).spacing == (0.5, 0.5)
    assert view_of(valid, None, aspect=2.0).spacing == (0.5, 0.25)  # pixels twice as high as wide
    assert view_of(valid, (0.1, 0.2)).spacing == (0.1, 0.2)


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_describes_itself_and_is_made_again_from_its_settings(name: str) -> None:
    made = change(name)
    assert change(name, **settings(made)) == made
    assert len(made.describe()) > 10


@pytest.mark.parametrize(
    ("text", "hint"),
    [("gian", "did you mean gain"), ("fog", "there are shift"), ("gain:decibel=2", "it takes db"),
     ("gain:db", "not NAME=NUMBER"), ("gain:db=much", "not NAME=NUMBER"), ("gain:db=9", "0 to 6, got 9"),
     ("speckle:correlation=nan", "0 to 1"), ("jpeg:quality=0", "1 to 100"),
     ("jpeg:quality=75.5", "whole number")],
)  # fmt: skip
def test_what_cannot_be_made_says_why(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        parse(text)
