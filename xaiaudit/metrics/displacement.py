"""How far a map moved: its peak, its mass centre, and the transport of all its mass.

Masses are max(S, 0). Everything is measured on the native grid, whose cells cover the input grid evenly.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from xaiaudit.metrics.boxes import rectangle
from xaiaudit.metrics.extremes import defined, peak_cells
from xaiaudit.metrics.grids import centres, pool
from xaiaudit.types import Cells, Maps, Masks, Spacings, Vector

Points = Float[np.ndarray, "n 2"]  # row and column, in pixels of the input grid from its upper left corner
FINEST = 14  # cells a side beyond which exact transport is too slow for every image


def peaks(maps: Maps, shape: tuple[int, int], *, signed: bool, within: Cells | None = None) -> Points:
    """Centre of the cell that holds the maximum, the first of tied ones; NaN where undefined."""
    rows, columns = peak_cells(maps, within).T
    points = np.stack(
        [centres(maps.shape[1], shape[0])[rows], centres(maps.shape[2], shape[1])[columns]], axis=1
    )
    points[~defined(maps, signed=signed, within=within)] = np.nan
    return points


def mass_centres(maps: Maps, shape: tuple[int, int]) -> Points:
    """Mean position of the positive mass; NaN where there is none."""
    masses = _shares(maps)
    rows = masses.sum(2) @ centres(maps.shape[1], shape[0])
    columns = masses.sum(1) @ centres(maps.shape[2], shape[1])
    return np.stack([rows, columns], axis=1)


def distances_mm(before: Points, after: Points, spacing: Spacings) -> Vector:
    """Euclidean, in mm, with both spacings; NaN where a point or the spacing is."""
    return np.asarray(np.linalg.norm((after - before) * spacing, axis=1))


def centre_shift(
    before: Maps, after: Maps, shape: tuple[int, int], diagonal: Vector, spacing: Spacings
) -> tuple[Vector, Vector]:
    """How far the mass centre went, in mm and as a fraction of the valid image's `diagonal`, in pixels.

    NaN where either map has no positive mass; in mm also without spacing.
    """
    start, end = (mass_centres(maps, shape) for maps in (before, after))
    pixels = distances_mm(start, end, np.ones_like(spacing))
    return distances_mm(start, end, spacing), pixels / diagonal


def diagonals(valid: Masks) -> Vector:
    """Of the box around each image's valid pixels, in pixels; NaN without any."""
    boxes = np.array([rectangle(plane) for plane in valid]).reshape(-1, 4)
    return np.asarray(np.hypot(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]))


def wasserstein_mm(before: Maps, after: Maps, shape: tuple[int, int], spacing: Spacings) -> Vector:
    """Wasserstein-1 between the two masses, each normalised to 1, in mm, exact; NaN as for `mass_centres`.

    Grids finer than 14 cells a side are first pooled to 14, by area. Never below the way between the mass
    centres of the grid it is computed on.
    """
    from ot import emd2  # its import brings in every tensor library that it finds

    coarse = (min(before.shape[1], FINEST), min(before.shape[2], FINEST))
    before, after = _shares(pool(before.clip(0), coarse)), _shares(pool(after.clip(0), coarse))
    cells = np.stack(
        np.meshgrid(centres(coarse[0], shape[0]), centres(coarse[1], shape[1]), indexing="ij"), axis=-1
    )
    distances = np.full(len(before), np.nan)
    known = np.isfinite(before).all((1, 2)) & np.isfinite(after).all((1, 2)) & np.isfinite(spacing).all(1)
    for i in np.flatnonzero(known):
        here, there = before[i] > 0, after[i] > 0
        ways = cdist(cells[here] * spacing[i], cells[there] * spacing[i])
        distances[i] = emd2(before[i][here], after[i][there], ways)
    return distances


def _shares(maps: Maps) -> Maps:
    """Positive mass of each cell over the whole; NaN throughout a map without any."""
    masses = np.where(np.isfinite(maps).all((1, 2), keepdims=True), maps, np.nan).astype(np.float64).clip(0)
    total = masses.sum((1, 2), keepdims=True)
    return masses / np.where(total > 0, total, np.nan)
