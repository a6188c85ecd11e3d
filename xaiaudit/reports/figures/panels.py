"""Pictures of a gallery case as pixels: B-mode images, saliency maps with outlines, magnified perturbations.

Sequential maps use cividis. Signed pictures run from dark blue over mid grey to pale yellow, evenly in
lightness, so that a grey print keeps the sign.
"""

from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from xaiaudit.metrics.grids import upsample
from xaiaudit.records import REGIONS
from xaiaudit.types import GreyImage, Mask, Spacing

Rgb = NDArray[np.uint8]  # (h, w, 3)
PIXELS = 448  # a panel is enlarged by a whole factor towards this side, so that outlines are fine
BAR_MM = 10.0
WHITE = (255, 255, 255)
# told from white and grey by every kind of colour vision, and in grey print by its dashes
PREDICTED = (255, 190, 50)
DASH = 9  # times the width of the line: a dash and the gap after it


@cache
def sequential() -> Colormap:
    return colormaps["cividis"]


@cache
def signed() -> Colormap:
    return LinearSegmentedColormap.from_list(
        "signed", ["#0b2a5b", "#4a6a9c", "#9a9a98", "#d6bd72", "#fff6c2"], 255
    )


def grey_panel(image: GreyImage, spacing: Spacing | None = None) -> Rgb:
    """The B-mode image; with spacing, a bar of 10 mm in the lower left corner."""
    factor = _factor(image.shape)
    rgb = np.repeat(_enlarge(image, factor)[..., None], 3, axis=2)
    if spacing is not None:
        length = round(BAR_MM / spacing[1] * factor)
        thick, gap = max(2 * factor, 6), 6 * factor
        if 2 * factor < length < rgb.shape[1] - 2 * gap:
            rgb[-gap - thick - 1 : -gap + 1, gap - 1 : gap + length + 1] = 0
            rgb[-gap - thick : -gap, gap : gap + length] = 255
    return rgb


def map_panel(
    saliency: np.ndarray, codes: NDArray[np.uint8], *, signed_map: bool, peak: int | None
) -> tuple[Rgb, float, float]:
    """The map on the image's grid with lesion (solid) and ring (dashed) outlined and its maximum crossed.

    `peak` is the cell of the maximum, row by row, which a map that was stored coarser does not tell by itself;
    None: undefined.

    Returns the picture and the values at the ends of its colour scale.
    """
    shape = codes.shape
    values = upsample(saliency[None].astype(np.float64), (shape[0], shape[1]))[0]
    high = float(np.abs(saliency).max()) if signed_map else float(max(saliency.max(), 0.0))
    low = -high if signed_map else 0.0
    share = (values - low) / (high - low) if high > 0 else np.full(shape, 0.5 if signed_map else 0.0)
    factor = _factor(shape)
    rgb = _coloured(_enlarge(share, factor), signed() if signed_map else sequential())
    big = _enlarge(codes, factor)
    lesion = big == REGIONS.index("lesion")
    _outline(rgb, lesion | (big == REGIONS.index("ring")), dashed=True)
    _outline(rgb, lesion, dashed=False)
    if peak is not None:
        _cross(rgb, saliency.shape, peak)
    return rgb, low, high


def outline_panel(image: GreyImage, reader: Mask | None, predicted: Mask) -> Rgb:
    """The B-mode image with the reader's outline (solid, white) and the one that the model draws (dashed, orange)."""
    factor = _factor(image.shape)
    rgb = np.repeat(_enlarge(image, factor)[..., None], 3, axis=2)
    if reader is not None:
        _outline(rgb, _enlarge(reader, factor), dashed=False)
    _outline(rgb, _enlarge(predicted, factor), dashed=True, colour=PREDICTED)
    return rgb


def perturbation_panel(clean: GreyImage, adversarial: np.ndarray) -> tuple[Rgb, int, float]:
    """The perturbation, signed about mid grey and `magnified`; its magnification and reach likewise."""
    share, magnification, reach = magnified(clean, adversarial)
    return _coloured(_enlarge(share, _factor(clean.shape)), signed()), magnification, reach


def magnified(clean: GreyImage, adversarial: np.ndarray) -> tuple[np.ndarray, int, float]:
    """The perturbation in [0, 1], 0.5 where there is none, magnified as far as 99 % of it fits the 8-bit range.

    What is larger is clipped to the ends of the scale. Returns it, the magnification, and the perturbation in grey
    levels at the ends of the scale.
    """
    grey = 255.0 * adversarial.astype(np.float64) - clean
    largest = float(np.percentile(np.abs(grey), 99))
    steps = [m * 10**e for e in range(5) for m in (1, 2, 5)]
    magnification = max([n for n in steps if n * largest <= 127.5] or [1])
    reach = 127.5 / magnification
    return 0.5 + 0.5 * np.clip(grey / reach, -1, 1), magnification, reach


def save(rgb: Rgb, path: Path) -> None:
    """As PNG, in one channel where there is no colour; lightly packed, for the PDF packs it again."""
    picture = Image.fromarray(rgb)
    if (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all():
        picture = picture.convert("L")
    picture.save(path, compress_level=1)


def save_scale(path: Path, *, signed_map: bool) -> None:
    """The colour scale from low (left) to high."""
    ramp = np.linspace(0, 1, 256)[None].repeat(8, axis=0)
    save(_coloured(ramp, signed() if signed_map else sequential()), path)


def _factor(shape: tuple[int, ...]) -> int:
    return max(1, round(PIXELS / max(shape)))


def line_width(rgb: Rgb) -> int:
    """Width of a line, in proportion to the panel."""
    pen: int = round(max(rgb.shape) / 120)
    return max(3, pen)


def _enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _coloured(share: np.ndarray, colours: Colormap) -> Rgb:
    rgb: Rgb = colours(share, bytes=True)[..., :3].copy()
    return rgb


def _outline(rgb: Rgb, region: Mask, *, dashed: bool, colour: tuple[int, int, int] = WHITE) -> None:
    """A line with a black halo along the inner edge of `region`."""
    if not region.any():
        return
    pen = line_width(rgb)
    inner = region & ~ndimage.binary_erosion(region, iterations=pen, border_value=1)
    if dashed:
        inner &= ~_gaps(region, inner, pen)
    halo = ndimage.binary_dilation(inner, iterations=max(pen // 2, 1)) & ~inner
    rgb[halo] = 0
    rgb[inner] = colour


def _gaps(region: Mask, line: Mask, pen: int) -> Mask:
    """Where a dashed `line` around each piece of `region` is broken: by the angle about the piece's middle.

    Stripes across the picture would swallow the parts of a line that run along them.
    """
    pieces, _ = ndimage.label(region)
    gaps = np.zeros_like(region)
    for piece, box in enumerate(ndimage.find_objects(pieces), 1):
        own = pieces[box] == piece
        rows, columns = np.indices(own.shape)
        angle = np.arctan2(rows - rows[own].mean(), columns - columns[own].mean()) / (2 * np.pi)
        dashes = max(2, round((line[box] & own).sum() / pen / (DASH * pen)))
        gaps[box] |= own & ((angle * dashes) % 1 > 0.6)
    return gaps


def _cross(rgb: Rgb, grid: tuple[int, ...], peak: int) -> None:
    """At the centre of a cell, white on black."""
    cell = np.array(np.unravel_index(peak, grid)) + 0.5
    row, column = (cell * np.array(rgb.shape[:2]) / grid).astype(int)
    pen = line_width(rgb)
    for colour, arm, half in ((0, 7 * pen + 2, pen), (255, 7 * pen, pen - 2)):
        for rows, columns in ((arm, half), (half, arm)):
            top, left = max(row - rows, 0), max(column - columns, 0)
            rgb[top : row + rows, left : column + columns] = colour
