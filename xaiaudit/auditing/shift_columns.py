"""Columns that say how maps moved between two versions of the images, whoever changed them."""

from typing import Any

import numpy as np

from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.energy import delta_energy, energy_shares
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import peak_state
from xaiaudit.metrics.silent_shift import moved, silent_shift
from xaiaudit.types import Cells


def shift_columns(
    loaded: Loaded,
    before: np.ndarray,
    after: np.ndarray,
    *,
    defined_before: np.ndarray,
    vanished: np.ndarray,
    flipped: np.ndarray,
    signed: bool,
    within: Cells | None = None,
) -> dict[str, Any]:
    """Where the map is now, by how much it moved, and whether it did so in silence; one value an image each.

    Keys are columns of maps.parquet: peak_state, energy_*, `SHIFT_METRICS`, delta_energy_*, vanished, silent_shift.
    `within` names the cells of the maps that may be looked at, as for `metrics.extremes.defined`.
    """
    codes, lesions = loaded.codes, loaded.has_lesion
    energy = energy_shares(after, codes, lesions)
    shift = map_shift(before, after, codes, lesions, loaded.spacing, signed=signed, within=within)
    was, states = (peak_state(maps, codes, lesions, signed=signed, within=within) for maps in (before, after))
    has_moved = moved(
        was,
        states,
        shift["mass_centre_mm"],
        shift["mass_centre_diagonal"],
        vanished,
    )
    silent = silent_shift(has_moved, flipped, defined_before)
    return {
        "peak_state": states,
        **energy,
        **shift,
        **delta_energy(energy_shares(before, codes, lesions), energy),
        "vanished": vanished,
        "silent_shift": [None if np.isnan(value) else bool(value) for value in silent],
    }
