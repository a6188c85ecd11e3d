"""Where a map is defined and where its extremes lie: on its native grid, ties counted, never repaired.

`within` names the cells that a map says something of, (n, u, v); None: all. The 0 that a map of pixels has in padding
is no statement, and would be the maximum of every map that is negative elsewhere; nor is what stands in a cell that
only one of two sweeps shows. What a map has there is never looked at.
"""

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.types import Cells, Flags, Maps

Weights = Float[np.ndarray, "n cells"]


def defined(maps: Maps, *, signed: bool, within: Cells | None = None) -> Flags:
    """The map has an extreme: a positive value or, where signs carry meaning, two different values.

    A map with a value that is not finite has none, nor has one that says nothing of any cell.
    """
    highest = _flat(maps, within, -np.inf).max(1)
    has_extreme = highest > _flat(maps, within, np.inf).min(1) if signed else highest > 0
    return np.asarray(np.isfinite(_flat(maps, within, 0.0)).all(1) & has_extreme)


def vanished(before: Maps, after: Maps, *, signed: bool, within: Cells | None = None) -> Flags:
    """Defined before the attack and undefined after it, which counts as moved in every rate."""
    was, still = (defined(maps, signed=signed, within=within) for maps in (before, after))
    return np.asarray(was & ~still)


def tied(maps: Maps, *, signed: bool, within: Cells | None = None) -> Weights:
    """1 / (number of tied cells) on the cells that share the maximum, else 0, (n, u·v); NaN where undefined.

    The minimum of a signed map is the maximum of its negative.
    """
    flat = _flat(maps, within, -np.inf)
    weights = (flat == flat.max(1, keepdims=True)).astype(np.float64)
    weights[~defined(maps, signed=signed, within=within)] = np.nan
    return np.asarray(weights / weights.sum(1, keepdims=True))


def peak_cells(maps: Maps, within: Cells | None = None) -> Int[np.ndarray, "n 2"]:
    """Row and column of each map's maximum; of tied cells the first in row-major order.

    Meaningless where the map is undefined: ask `defined` first.
    """
    return np.stack(np.divmod(_flat(maps, within, -np.inf).argmax(1), maps.shape[2]), axis=1)


def _flat(maps: Maps, within: Cells | None, fill: float) -> Weights:
    """(n, u·v), with `fill` in the cells of which the map says nothing."""
    shown = maps if within is None else np.where(within, maps, maps.dtype.type(fill))
    return shown.reshape(len(maps), maps.shape[1] * maps.shape[2])
