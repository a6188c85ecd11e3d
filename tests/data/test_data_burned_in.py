"""Colour, writing and calipers: drawn ones are found, clean speckle is not suspected."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from xaiaudit.data.burned_in import coloured_pixels, count_calipers, has_writing
from xaiaudit.types import GreyImage


def speckle(seed: int) -> GreyImage:
    """Log-compressed speckle, which is what letters must be told from."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((2, 250, 340)), (0, 1.2, 2.0))
    decibel = 20 * np.log10(np.hypot(*field))
    return np.clip(90 + 4 * (decibel - np.median(decibel)), 0, 255).astype(np.uint8)


def drawn(seed: int, text: str = "", crosses: int = 0) -> GreyImage:
    picture = Image.fromarray(speckle(seed))
    pen = ImageDraw.Draw(picture)
    pen.text((120, 200), text, fill=255, font=ImageFont.load_default(12))
    for k in range(crosses):
        x, y = 60 + 70 * k, 80 + 10 * k
        pen.line((x - 4, y, x + 4, y), fill=255)
        pen.line((x, y - 4, x, y + 4), fill=255)
    return np.asarray(picture)


@pytest.mark.parametrize("text", ["RT AXILLA", "LEFT BREAST", "MAMA DIREITA", "59 ANOS"])
def test_writing_is_found(text: str) -> None:
    assert all(has_writing(drawn(seed, text)) for seed in range(3))


def test_speckle_is_no_writing_and_no_caliper() -> None:
    images = [speckle(seed) for seed in range(20)]
    assert sum(has_writing(image) for image in images) <= 1
    assert sum(count_calipers(image) for image in images) == 0


@pytest.mark.parametrize("count", [1, 2, 4])
def test_calipers_are_counted(count: int) -> None:
    assert count_calipers(drawn(0, crosses=count)) == count


def test_flat_and_small_images_hold_nothing() -> None:
    for shape in ((1, 1), (5, 40), (64, 64)):
        flat = np.full(shape, 255, dtype=np.uint8)
        assert not has_writing(flat)
        assert count_calipers(flat) == 0


def test_colour_is_counted_and_what_compression_leaves_is_not() -> None:
    grey = np.repeat(speckle(0)[..., None], 3, axis=2)
    tinted = np.clip(grey.astype(np.int16) + np.array([12, 0, -12]), 0, 255).astype(np.uint8)
    doppler = grey.copy()
    doppler[100:110, 50:70] = (230, 90, 0)
    assert coloured_pixels(grey) == 0
    assert coloured_pixels(tinted) == 0
    assert coloured_pixels(doppler) == 200
