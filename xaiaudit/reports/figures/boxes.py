"""A detector's boxes on the image, told apart by their lines as well as by their colours."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from xaiaudit.reports.figures.panels import PREDICTED, WHITE, Rgb, grey_panel, line_width
from xaiaudit.types import GreyImage, Mask

SKY = (86, 180, 233)  # told from white and orange by every kind of colour vision


class Line(NamedTuple):
    """Dash and gap are in widths of the line."""

    colour: tuple[int, int, int]
    dash: float
    gap: float


LESION = Line(WHITE, 1, 0)  # solid
CLEAN = Line(SKY, 6, 3)  # dashed
ATTACKED = Line(PREDICTED, 1.5, 1.5)  # dotted
Boxes = np.ndarray  # (b, 4): x0, y0, x1, y1 in pixels of the image, half-open


def boxes_panel(image: GreyImage, lesions: Boxes, clean: Boxes, attacked: Boxes) -> Rgb:
    """The B-mode image with the lesions' boxes, those of the clean image, and those drawn after the attack."""
    rgb = grey_panel(image)
    factor = rgb.shape[0] / image.shape[0]
    pen = line_width(rgb)
    lines = [
        (_line(rgb.shape[:2], factor * box, line, pen), line.colour)
        for boxes, line in ((lesions, LESION), (clean, CLEAN), (attacked, ATTACKED))
        for box in boxes
    ]
    for drawn, _ in lines:  # black halos first, so that of equal boxes both are seen
        rgb[ndimage.binary_dilation(drawn, iterations=max(pen // 2, 1))] = 0
    for drawn, colour in lines:
        rgb[drawn] = colour
    return rgb


def _line(shape: tuple[int, ...], box: np.ndarray, line: Line, pen: int) -> Mask:
    """Pixels along the inner edge of the box, as far as it lies in the picture; `pen` is the line's width."""
    drawn = np.zeros(shape, bool)
    height, width = shape
    x0, y0, x1, y1 = np.clip(np.rint(box).astype(int), 0, [width, height, width, height])
    if x1 <= x0 or y1 <= y0:
        return drawn
    rows, columns = np.indices((y1 - y0, x1 - x0))
    left, top, right, bottom = columns, rows, x1 - x0 - 1 - columns, y1 - y0 - 1 - rows
    nearest = np.minimum.reduce([top, right, bottom, left])
    # how far along the box a pixel lies, clockwise from the upper left corner
    across, down = x1 - x0, y1 - y0
    along = np.select(
        [top == nearest, right == nearest, bottom == nearest],
        [columns, across + rows, across + down + right],
        2 * across + down + bottom,
    )
    drawn[y0:y1, x0:x1] = (nearest < pen) & (along % (pen * (line.dash + line.gap)) < pen * line.dash)
    return drawn
