"""Where a map is defined and where its extremes lie: on its native grid, ties counted, never repaired."""

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.types import Flags, Maps

Weights = Float[np.ndarray, "n cells"]


def defined(maps: Maps, *, signed: bool) -> Flags:
    """The map has an extreme: a positive value or, where signs carry meaning, two different values.

    A map with a value that is not finite has none.
    """
    flat = _flat(maps)
    highest = flat.max(1)
    has_extreme = highest > flat.min(1) if signed else highest > 0
    return np.asarray(np.isfinite(flat).all(1) & has_extreme)


def vanished(before: Maps, after: Maps, *, signed: bool) -> Flags:
    """Defined before the attack and undefined after it, which counts as moved in every rate."""
    return np.asarray(defined(before, signed=signed) & ~defined(after, signed=signed))


def tied(maps: Maps, *, signed: bool) -> Weights:
    """1 / (number of tied cells) on the cells that share the maximum, else 0, (n, u·v); NaN where undefined.

    The minimum of a signed map is the maximum of its negative.
    """
    flat = _flat(maps)
    weights = (flat == flat.max(1, keepdims=True)).astype(np.float64)
    weights[~defined(maps, signed=signed)] = np.nan
    return np.asarray(weights / weights.sum(1, keepdims=True))


def peak_cells(maps: Maps) -> Int[np.ndarray, "n 2"]:
    """Row and column of each map's maximum; of tied cells the first in row-major order.

    Meaningless where the map is undefined: ask `defined` first.
    """
    return np.stack(np.divmod(_flat(maps).argmax(1), maps.shape[2]), axis=1)


def _flat(maps: Maps) -> Weights:
    return maps.reshape(len(maps), maps.shape[1] * maps.shape[2])
