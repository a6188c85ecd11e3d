"""Maps, and what lies where on their grid, as maps.parquet keeps them: small, and faithful to the extremes."""

import numpy as np

from xaiaudit.metrics.extremes import Weights, tied
from xaiaudit.metrics.grids import centre_pixels, centres, pool
from xaiaudit.metrics.membership import NAMES, Inside
from xaiaudit.types import Cells

LARGEST = 28  # cells a side of a stored map


def cells_of(codes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The region that the centre of each cell lies in, (n, *grid)."""
    rows, columns = (
        centre_pixels(cells, pixels) for cells, pixels in zip(grid, codes.shape[1:], strict=True)
    )
    return codes[:, rows[:, None], columns[None, :]]


def packed_bits(inside: Inside) -> np.ndarray:
    """(n, cells) uint8: bit r is set where a cell lies in region r of `NAMES`; 0 where that is not known."""
    places = (1 << np.arange(len(NAMES)))[:, None]
    return np.asarray((np.nan_to_num(inside) * places).sum(1), np.uint8)


def unpacked_bits(packed: np.ndarray, known: np.ndarray) -> Inside:
    """What `packed_bits` packed; NaN for images that are not `known`."""
    inside = packed[:, None, :] >> np.arange(len(NAMES))[:, None] & 1
    return np.where(known[:, None, None], inside, np.nan)


def extreme_cells(
    maps: np.ndarray, grid: tuple[int, int], *, signed: bool, within: Cells | None = None
) -> list[list[int]]:
    """Of each map, the cells of the stored grid in which its tied maxima lie; [] where it is undefined.

    A finer map that is pooled to that grid may have its maximum elsewhere.
    """
    rows, columns = (
        centres(cells, coarse).astype(np.int64) for cells, coarse in zip(maps.shape[1:], grid, strict=True)
    )
    place = (rows[:, None] * grid[1] + columns).ravel()
    found = tied(maps, signed=signed, within=within)
    return [np.unique(place[weights > 0]).tolist() for weights in found]


def extreme_shares(extremes: list[list[int]], cells: int) -> Weights:
    """(n, cells): of each listed cell an equal share, else 0; NaN where none is listed, as in `extremes.tied`."""
    shares = np.zeros((len(extremes), cells))
    for own, listed in zip(shares, extremes, strict=True):
        own[listed or slice(None)] = 1 / len(listed) if listed else np.nan
    return shares


def stored_maps(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps as the table keeps them, coarser where the layer has more than 28 cells a side, and their scales.

    Each is divided by its largest magnitude: float16 neither overflows nor loses a faint map then. A cell that
    would be rounded onto the maximum or the minimum is kept off it, so that extremes are tied only where they were.
    """
    shape = (min(maps.shape[1], LARGEST), min(maps.shape[2], LARGEST))
    if shape != maps.shape[1:]:
        maps = pool(maps, shape) * (shape[0] * shape[1] / (maps.shape[1] * maps.shape[2]))
    scales = np.abs(maps).max((1, 2)).astype(np.float64)
    scales = np.where(np.isfinite(scales) & (scales > 0), scales, 1.0)
    scaled = maps / scales[:, None, None]
    stored = scaled.astype(np.float16)
    for extreme, inwards in ((np.max, -np.inf), (np.min, np.inf)):
        ends, stored_ends = (extreme(part, axis=(1, 2), keepdims=True) for part in (scaled, stored))
        rounded_onto = (stored == stored_ends) & (scaled != ends)
        stored = np.where(rounded_onto, np.nextafter(stored, np.float16(inwards)), stored)
    return stored, scales
