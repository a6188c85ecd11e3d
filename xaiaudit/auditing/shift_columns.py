"""Columns that say how maps moved between two versions of the images, whoever changed them."""

from typing import Any

import numpy as np

from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.energy import delta_energy, energy_shares
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import peak_state
from xaiaudit.metrics.silent_shift import moved, silent_shift


def shift_columns(
    loaded: Loaded,
    before: np.ndarray,
    after: np.ndarray,
    *,
    defined_before: np.ndarray,
    vanished: np.ndarray,
    flipped: np.ndarray,
    signed: bool,
) -> dict[str, Any]:
    """Where the map is now, by how much it moved, and whether it did so in silence; one value an image each.

    Keys are columns of maps.parquet: peak_state, energy_*, `SHIFT_METRICS`, delta_energy_*, vanished, silent_shift.
    """
    codes, lesions = loaded.codes, loaded.has_lesion
    energy = energy_shares(after, codes, lesions)
    shift = map_shift(before, after, codes, lesions, loaded.spacing, signed=signed)
    states = peak_state(after, codes, lesions, signed=signed)
    has_moved = moved(
        peak_state(before, codes, lesions, signed=signed),
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
