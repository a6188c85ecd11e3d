"""How far each clean map moved from one checkpoint to the other, by every measure that stored maps allow."""

from dataclasses import dataclass

import numpy as np

from xaiaudit.comparison.stored import Stored, field_at
from xaiaudit.metrics.displacement import distances_mm, mass_centres, wasserstein_mm
from xaiaudit.metrics.grids import centres, pool
from xaiaudit.metrics.map_shift import Field, shift_in
from xaiaudit.metrics.silent_shift import moved
from xaiaudit.records import REGIONS, SHIFT_METRICS
from xaiaudit.types import Flags, Maps, Vector


@dataclass(frozen=True, eq=False)
class Shifts:
    """One value an image. `compared`: both decide alike, and the older map is defined."""

    same_decision: Flags
    compared: Flags
    vanished: Flags
    moved: Flags  # False where not compared
    peak_left: Flags  # compared, and the peak went from lesion, ring or posterior region to elsewhere
    centre_far: Flags  # compared, and the mass centre went far
    one_grid: bool  # else likeness is not measured, of no image
    values: dict[str, Vector]  # SHIFT_METRICS and delta_energy_*, NaN where either map is undefined


def shifts(whole: Field, before: Stored, after: Stored, same_decision: Flags) -> Shifts:
    """From the maps of all images, each explaining its own model's decision."""
    compared = same_decision & before.defined
    both = compared & after.defined
    values = {metric: np.full(len(both), np.nan) for metric in SHIFT_METRICS}
    if both.any():
        for metric, found in _measured(field_at(whole, both), before, after, both).items():
            values[metric][both] = found
    for region in REGIONS:
        change = after.rows.floats(f"energy_{region}") - before.rows.floats(f"energy_{region}")
        values[f"delta_energy_{region}"] = np.where(both, change, np.nan)
    was, now = (item.rows.strings("peak_state") for item in (before, after))
    vanished = compared & ~after.defined
    centre = values["mass_centre_mm"], values["mass_centre_diagonal"]
    unknown, never = ["unknown"] * len(both), np.zeros(len(both), bool)
    nowhere = np.full(len(both), np.nan)
    return Shifts(
        same_decision=same_decision,
        compared=compared,
        vanished=vanished,
        moved=compared & moved(was, now, *centre, vanished),
        peak_left=compared & moved(was, now, nowhere, nowhere, never),
        centre_far=compared & moved(unknown, unknown, *centre, never),
        one_grid=before.grid == after.grid,
        values=values,
    )


def _measured(field: Field, before: Stored, after: Stored, both: Flags) -> dict[str, Vector]:
    """Of the images for which both maps are defined.

    On grids that differ, the measures of likeness would tell of the grids: they are left out. Positions are compared
    as they are, and transport on the coarser grid of the two. The peak is that of the map as it was computed.
    """
    old, new = before.maps[both], after.maps[both]
    if before.grid == after.grid:
        told = before.told()
        signed = after.explainer.signed
        found = shift_in(field, old, new, signed=signed, within=None if told is None else told[both])
    else:
        found = {metric: np.full(len(old), np.nan) for metric in SHIFT_METRICS}
        found |= _between_grids(field, old, new)
    start, end = (_points(item, both, field.shape) for item in (before, after))
    pixels = distances_mm(start, end, np.ones_like(field.spacing))
    found["peak_mm"], found["peak_diagonal"] = (
        distances_mm(start, end, field.spacing),
        pixels / field.diagonal,
    )
    return found


def _between_grids(field: Field, old: Maps, new: Maps) -> dict[str, Vector]:
    start, end = (mass_centres(maps, field.shape) for maps in (old, new))
    grid = min(old.shape[1], new.shape[1]), min(old.shape[2], new.shape[2])
    coarse = [pool(maps.clip(0), grid) for maps in (old, new)]
    return {
        "mass_centre_mm": distances_mm(start, end, field.spacing),
        "mass_centre_diagonal": distances_mm(start, end, np.ones_like(field.spacing)) / field.diagonal,
        "wasserstein_mm": wasserstein_mm(coarse[0], coarse[1], field.shape, field.spacing),
    }


def _points(item: Stored, which: Flags, shape: tuple[int, int]) -> np.ndarray:
    """Centre of the peak's cell, in pixels of the input grid, rows and columns."""
    rows, columns = np.divmod(item.peaks[which], item.grid[1])
    return np.stack([centres(item.grid[0], shape[0])[rows], centres(item.grid[1], shape[1])[columns]], axis=1)
