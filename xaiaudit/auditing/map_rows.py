"""Rows of maps.parquet: every metric of one image's map, and the map itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.prediction_rows import none_if_nan
from xaiaudit.explainers.base import Explainer
from xaiaudit.metrics.energy import delta_energy, energy_shares
from xaiaudit.metrics.extremes import defined, vanished
from xaiaudit.metrics.grids import centre_pixels, pool
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import chance_uniform, peak_state, pointing
from xaiaudit.metrics.silent_shift import moved, silent_shift
from xaiaudit.metrics.top_pixels import iou_at_lesion_area, relevance_rank
from xaiaudit.models import AuditedModel
from xaiaudit.records import REGIONS, SHIFT_METRICS

LARGEST = 28  # cells a side of a stored map


def map_rows(
    model: AuditedModel,
    loaded: Loaded,
    explainers: Mapping[str, Explainer],
    clean: Judged,
    judged: Judged,
    *,
    attack_id: str = "none",
) -> list[dict[str, Any]]:
    """One row an image, explainer and target, in the order of the plan. Equal `clean` and `judged`: clean images.

    The clean map that a shifted one is compared with is that of the clean decision, for both targets.
    """
    rows = []
    areas = _areas(loaded)
    for (name, target), maps in judged.maps.items():
        before = clean.maps[name, "own"]
        targets = clean.decision if target == "same" else judged.decision
        columns = _columns(loaded, maps, before, judged, clean, signed=explainers[name].signed)
        if judged is clean:
            columns |= _no_shift(columns)
        stored, scales = _stored(maps)
        cells = _cells(loaded.codes, stored.shape[1:])
        for row, planned in enumerate(loaded.planned):
            rows.append(
                {
                    "image": planned.name,
                    "sha256": planned.sha256,
                    "case": planned.case,
                    "attack_id": attack_id,
                    "explainer_id": name,
                    "target": target,
                    "target_class": model.classes[targets[row]],
                    **{key: _plain(values[row]) for key, values in areas.items()},
                    "calibrated": bool(loaded.calibrated[row]),
                    "grid_rows": stored.shape[1],
                    "grid_columns": stored.shape[2],
                    "cells": cells[row].ravel(),
                    "map_scale": float(scales[row]),
                    "map": stored[row].ravel(),
                    **{key: _plain(values[row]) for key, values in columns.items()},
                }
            )
    return rows


def _columns(
    loaded: Loaded, maps: np.ndarray, before: np.ndarray, judged: Judged, clean: Judged, *, signed: bool
) -> dict[str, Any]:
    codes, lesions = loaded.codes, loaded.has_lesion
    energy = energy_shares(maps, codes, lesions)
    shift = map_shift(before, maps, codes, lesions, loaded.spacing, signed=signed)
    states = peak_state(maps, codes, lesions, signed=signed)
    gone = vanished(before, maps, signed=signed)
    rank = relevance_rank(maps, codes, lesions, signed=signed)
    has_moved = moved(
        peak_state(before, codes, lesions, signed=signed),
        states,
        shift["mass_centre_mm"],
        shift["mass_centre_diagonal"],
        gone,
    )
    silent = silent_shift(has_moved, judged.decision != clean.decision, defined(before, signed=signed))
    return {
        "defined": defined(maps, signed=signed),
        "peak_state": states,
        **pointing(maps, codes, lesions, signed=signed),
        **energy,
        **shift,
        **delta_energy(energy_shares(before, codes, lesions), energy),
        "relevance_rank": rank,
        "iou": iou_at_lesion_area(rank),
        "vanished": gone,
        "silent_shift": [None if np.isnan(value) else bool(value) for value in silent],
    }


def _no_shift(columns: dict[str, Any]) -> dict[str, Any]:
    """A clean map is compared with nothing."""
    compared = [key for key in columns if key in SHIFT_METRICS or key.startswith("delta_")]
    empty = [None] * len(columns["defined"])
    return dict.fromkeys([*compared, "silent_shift"], empty)


def _areas(loaded: Loaded) -> dict[str, np.ndarray]:
    """Share of the valid image in each region, (n,): what a random point hits; NaN without a lesion."""
    chance = chance_uniform(loaded.codes, loaded.has_lesion)
    return {f"area_{region}": chance[f"maximum_in_{region}"] for region in REGIONS[:4]}


def _cells(codes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The region that the centre of each cell lies in, (n, *grid)."""
    rows, columns = (
        centre_pixels(cells, pixels) for cells, pixels in zip(grid, codes.shape[1:], strict=True)
    )
    return codes[:, rows[:, None], columns[None, :]]


def _stored(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return none_if_nan(float(value))
    return value.item() if isinstance(value, np.generic) else value
