"""What does not belong to the tissue: colour, writing and calipers. Suspicions for a person to look at.

Writing can name a patient, and calipers tell a network where the lesion is. Looked at by eye: of 42 random
hits for writing on BUSI and the first 42 on BUS-BRA, all were writing or the maker's mark in the corner; of
30 random hits with two calipers on BUSI 29 had them, of the first 42 hits on BUS-BRA all. BrEaST, which was
cleaned, has no hit among 60. Labels of one or two letters, thick or faint ones and other calipers escape.
"""

from typing import Any

import numpy as np
from scipy import ndimage

from xaiaudit.types import GreyImage

COLOUR = 30  # grey levels between the channels of one pixel, above what compression leaves in a grey image
COLOURED_PIXELS = 5
STROKE = 9  # pixels: the strokes of a letter are thinner
STROKE_CONTRAST = 90  # grey levels above the surroundings
STROKE_LEVEL = 150
ROW = 3  # letters that make a row of writing
ARM = 3  # pixels of a caliper's arm, at least
ARM_CONTRAST = 30  # grey levels of the darkest arm pixel above the brightest pixel between the arms

_Glyph = tuple[int, int, int, int]  # top, bottom, left, right; half-open


def coloured_pixels(channels: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """Pixels of (h, w, 3) whose channels differ visibly: Doppler, coloured frames and letters."""
    red, green, blue = np.moveaxis(channels, 2, 0)  # reducing an axis of three is ten times slower
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return int((highest - lowest > COLOUR).sum())


def has_writing(image: GreyImage) -> bool:
    """Three or more thin bright marks of a letter's size, equally tall, side by side on one line."""
    glyphs = sorted(_glyphs(image), key=lambda glyph: glyph[2])
    return any(_row_length(first, glyphs) >= ROW for first in glyphs)


def _glyphs(image: GreyImage) -> list[_Glyph]:
    levels = image.astype(np.int16)
    thin = levels - ndimage.grey_opening(levels, size=(STROKE, STROKE))
    marks, _ = ndimage.label((thin > STROKE_CONTRAST) & (levels > STROKE_LEVEL), np.ones((3, 3)))
    glyphs = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(marks), start=1):
        letter_sized = 4 <= rows.stop - rows.start <= 14 and columns.stop - columns.start <= 14
        if letter_sized and (marks[rows, columns] == number).sum() >= 4:
            glyphs.append((rows.start, rows.stop, columns.start, columns.stop))
    return glyphs


def _row_length(first: _Glyph, glyphs: list[_Glyph]) -> int:
    """How many follow to the right, on the line of the first and of its height; gaps of up to 8 pixels."""
    top, bottom, _, right = first
    length = 1
    for next_top, next_bottom, next_left, next_right in glyphs:
        beside = -1 <= next_left - right <= 8
        alike = abs(next_bottom - bottom) <= 1 and abs((next_bottom - next_top) - (bottom - top)) <= 2
        if beside and alike:
            length, right = length + 1, next_right
    return length


def count_calipers(image: GreyImage) -> int:
    """Thin bright upright crosses: seven pixels each way, with darker pixels between the arms."""
    levels = image.astype(np.int16)
    length = 2 * ARM + 1
    upright = ndimage.minimum_filter1d(levels, length, axis=0, mode="constant", cval=0)
    level = ndimage.minimum_filter1d(levels, length, axis=1, mode="constant", cval=0)
    between = ndimage.maximum_filter(levels, footprint=_between_the_arms(), mode="nearest")
    contrast = np.minimum(upright, level) - between
    peaks = (contrast > ARM_CONTRAST) & (contrast == ndimage.maximum_filter(contrast, STROKE))
    return int(ndimage.label(peaks, np.ones((3, 3)))[1])


def _between_the_arms() -> np.ndarray[Any, np.dtype[np.bool_]]:
    rows, columns = np.abs(np.mgrid[-ARM : ARM + 1, -ARM : ARM + 1])
    between: np.ndarray[Any, np.dtype[np.bool_]] = np.minimum(rows, columns) == 2
    return between
