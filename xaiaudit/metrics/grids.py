"""Moving maps between their native grid and the input grid, which cover the same field of view evenly.

Both ways are linear and separable: one matrix for the rows, one for the columns.
"""

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.types import Cells, Maps, Masks

Planes = Float[np.ndarray, "n h w"]
Matrix = Float[np.ndarray, "target source"]
Indices = Int[np.ndarray, "cells"]


def upsample(maps: Maps, shape: tuple[int, int]) -> Planes:
    """Maps on a grid of `shape`, bilinear between cell centres and constant beyond the outer ones.

    Equals torch's `interpolate(mode="bilinear", align_corners=False)`. Returns float64, (n, *shape).
    """
    planes = maps.astype(np.float64)
    if maps.shape[1] != shape[0]:  # else the matrix is the identity, and its product costs as much as any
        planes = _bilinear(shape[0], maps.shape[1]) @ planes
    if maps.shape[2] != shape[1]:
        planes = planes @ _bilinear(shape[1], maps.shape[2]).T
    return np.asarray(planes)


def pixels_within(within: Cells | None, shape: tuple[int, int], images: int) -> Masks:
    """The pixels that `upsample` gives a value from cells of `within` alone, (images, *shape); without it, all."""
    if within is None:
        return np.ones((images, *shape), bool)
    return np.asarray(upsample((~within).astype(np.float64), shape) == 0)  # its weights are never negative


def pool(maps: Maps, shape: tuple[int, int]) -> Planes:
    """Masses on a coarser grid of `shape`: every cell gives its mass in proportion to the area it shares.

    The total is kept. Returns float64, (n, *shape).
    """
    rows, columns = _overlap(shape[0], maps.shape[1]), _overlap(shape[1], maps.shape[2])
    return np.asarray(rows @ maps.astype(np.float64) @ columns.T)


def centres(cells: int, pixels: int) -> Float[np.ndarray, "cells"]:
    """Centres of `cells` that cover `pixels` evenly, along one axis, in pixels from the outer edge."""
    return (np.arange(cells) + 0.5) * pixels / cells


def centre_pixels(cells: int, pixels: int) -> Indices:
    """The pixel that each cell's centre lies in, along one axis."""
    return centres(cells, pixels).astype(np.int64)


def _bilinear(target: int, source: int) -> Matrix:
    position = ((np.arange(target) + 0.5) * source / target - 0.5).clip(0, source - 1)
    return (1 - np.abs(position[:, None] - np.arange(source))).clip(0)


def _overlap(target: int, source: int) -> Matrix:
    """Share of each source cell that lies in each target cell; columns sum to 1."""
    edges = np.arange(target + 1) * source / target
    cell = np.arange(source)
    return (np.minimum(edges[1:, None], cell + 1) - np.maximum(edges[:-1, None], cell)).clip(0)
