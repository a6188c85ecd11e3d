"""The map of a second sweep brought back to the first: what moved with the probe is no shift of the map."""

import numpy as np
from jaxtyping import Bool, Float

from xaiaudit.metrics.grids import centres
from xaiaudit.types import IDENTITY, Cells, Maps, Mask, Masks, Vector

Motions = Float[np.ndarray, "n 2 3"]  # where (row, column, 1) of the first sweep lies in the second, pixels
Plane = Float[np.ndarray, "u v"]
Points = Float[np.ndarray, "2 cells"]


def undo_motion(
    before: Maps, after: Maps, motions: Motions, valid: Masks
) -> tuple[Maps, Maps, Cells, Vector]:
    """Maps of two sweeps on the grid of the first, ready to be compared, and the cells and the share that can be.

    A cell of the first sweep takes the value that the second map has where its centre went, bilinear between cell
    centres as in `grids.upsample`. Padding does not move: its cells keep their values. A cell whose centre left the
    field of view cannot be compared: it is not among those returned, and in both maps takes the lowest value of that
    map's other cells, or 0 where that is above 0, so that it is no mass in either.

    Args:
        before, after: raw maps of one explainer on one grid.
        motions: one an image, in pixels of the input grid from its upper left corner.
        valid: real pixels of the input grid, (n, h, w), those of both sweeps.

    Returns:
        Both maps; (n, u, v) the cells that may be compared, padding among them; and the share of the cells with a
        real centre that both sweeps show; NaN without a real centre.
        Maps of images that did not move are what they were; where the share is 0, both are NaN throughout.
    """
    first, second = before.astype(np.float64), after.astype(np.float64)
    within, compared = np.ones(before.shape, bool), np.ones(len(before))
    for i in np.flatnonzero((motions != IDENTITY).any((1, 2))):
        first[i], second[i], within[i], compared[i] = _undo(first[i], second[i], motions[i], valid[i])
    return first, second, within, compared


def _undo(
    before: Plane, after: Plane, motion: Float[np.ndarray, "2 3"], valid: Mask
) -> tuple[Plane, Plane, Bool[np.ndarray, "u v"], float]:
    grid, shape = after.shape, valid.shape
    axes = [centres(cells, pixels) for cells, pixels in zip(grid, shape, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(2, -1)  # centres of the cells
    went = motion[:, :2] @ points + motion[:, 2:]
    real, shown = _inside(points, valid), _inside(went, valid)
    undone = np.where(real & shown, _sampled(after, went, shape), after.ravel())
    lost = (real & ~shown).reshape(grid)
    if real.any() and not (real & shown).any():
        nothing = np.full(grid, np.nan)
        return nothing, nothing.copy(), ~lost, 0.0
    back = [_without(plane, lost) for plane in (before, undone.reshape(grid))]
    share = float((real & shown).sum() / real.sum()) if real.any() else float("nan")
    return back[0], back[1], ~lost, share


def _inside(points: Points, valid: Mask) -> np.ndarray:
    """Which points lie on a real pixel."""
    rows, columns = np.floor(points).astype(np.int64)
    height, width = valid.shape
    on_grid = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return np.asarray(on_grid & valid[rows.clip(0, height - 1), columns.clip(0, width - 1)])


def _sampled(plane: Plane, points: Points, shape: tuple[int, int]) -> Float[np.ndarray, "cells"]:
    """Bilinear between cell centres, constant beyond the outer ones."""
    weights = [
        (1 - np.abs((at * cells / pixels - 0.5).clip(0, cells - 1)[:, None] - np.arange(cells))).clip(0)
        for at, cells, pixels in zip(points, plane.shape, shape, strict=True)
    ]
    return np.asarray(np.einsum("pu,uv,pv->p", weights[0], plane, weights[1]))


def _without(plane: Plane, lost: np.ndarray) -> Plane:
    if not lost.any():
        return plane
    return np.where(lost, min(0.0, float(plane[~lost].min())), plane)
