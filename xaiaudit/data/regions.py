"""The regions of a breast-ultrasound image that a lesion defines: itself, its ring, what lies behind it."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xaiaudit.records import REGIONS
from xaiaudit.types import Mask, Spacing

Depth = Literal["down", "up", "left", "right"]

RELATIVE_RING = 0.3  # of the component's equivalent diameter, where no spacing says what 5 mm are
LESION, RING, POSTERIOR, ELSEWHERE, PADDING = (
    REGIONS.index(name) for name in ("lesion", "ring", "posterior", "elsewhere", "padding")
)
TOUCHING = np.ones((3, 3), bool)  # pixels that meet at a corner are one component


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """One region a pixel, and whether the ring's width is in true millimetres."""

    codes: NDArray[np.uint8]  # (h, w), index into records.REGIONS
    calibrated: bool


def regions(
    mask: Mask,
    *,
    spacing: Spacing | None = None,
    valid: Mask | None = None,
    ring_mm: float = 5.0,
    depth: Depth = "down",
    aspect: float = 1.0,
) -> Regions:
    """Divide an image into lesion, ring, posterior, elsewhere and padding; every pixel is in exactly one.

    Args:
        mask: the union of all lesion outlines, (h, w). Without a pixel, all that is valid is elsewhere.
        spacing: mm per pixel, rows and columns, on this grid. None: the ring is 0.3 of each component's
            equivalent diameter and the result is not calibrated.
        valid: real pixels, (h, w); the others are padding, whatever the mask says. None: all are real.
        ring_mm: width of the ring, from pixel centre to the centre of the nearest lesion pixel.
        depth: where the beam goes; the posterior region lies on that side of each component, column by
            column (row by row where the beam runs sideways), to the end of the valid image.
        aspect: pixel height over pixel width, for stretched images without spacing.

    Raises:
        ValueError: shapes differ, or a length is not positive.

    Source: the three regions of Byra et al. 2022, J Ultrason 22:e70-e75, made disjoint.
    """
    valid = np.ones(mask.shape, bool) if valid is None else valid
    if valid.shape != mask.shape:
        raise ValueError(f"the mask is {mask.shape} pixels and `valid` {valid.shape}; bring both to one grid")
    height, width = spacing or (aspect, 1.0)
    if not (height > 0 and width > 0 and ring_mm > 0):
        raise ValueError(
            f"spacing, aspect and ring_mm must be positive, got {spacing}, {aspect} and {ring_mm}"
        )
    lesion = mask & valid
    components, _ = ndimage.label(lesion, TOUCHING)
    ring, posterior = np.zeros_like(lesion), np.zeros_like(lesion)
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        reach = ring_mm if spacing else RELATIVE_RING * _diameter(components[box] == number, height * width)
        window = _grown(box, math.ceil(reach / height), math.ceil(reach / width))
        component = components[window] == number
        distance = ndimage.distance_transform_edt(~component, sampling=(height, width))
        ring[window] |= distance <= reach * (
            1 + 1e-9
        )  # a pixel at exactly the reach is inside, rounding or not
        posterior |= _behind(components == number, depth)

    codes = np.full(mask.shape, ELSEWHERE, np.uint8)
    codes[posterior] = POSTERIOR
    codes[ring] = RING
    codes[lesion] = LESION
    codes[~valid] = PADDING
    return Regions(codes=codes, calibrated=spacing is not None)


def _diameter(component: Mask, pixel_area: float) -> float:
    """Of the disc of the same area."""
    return math.sqrt(4 * int(component.sum()) * pixel_area / math.pi)


def _grown(box: tuple[slice, ...], rows: int, columns: int) -> tuple[slice, slice]:
    """A window that holds everything within reach of the box; slices end at the image by themselves."""
    y, x = box
    return slice(max(y.start - rows, 0), y.stop + rows), slice(max(x.start - columns, 0), x.stop + columns)


def _behind(component: Mask, depth: Depth) -> Mask:
    """Pixels deeper than the component's deepest one in the same column (or row); none where it has none."""
    axis = 0 if depth in ("down", "up") else 1
    towards = component if depth in ("up", "left") else np.flip(component, axis)  # deepest pixel comes first
    passed = np.logical_or.accumulate(towards, axis)
    behind = ~passed & passed.any(axis, keepdims=True)
    return behind if depth in ("up", "left") else np.flip(behind, axis)
