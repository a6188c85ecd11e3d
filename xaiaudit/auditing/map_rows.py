"""Rows of maps.parquet: every metric of one image's map, and the map itself."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from xaiaudit.auditing.agreement_columns import agreement_columns
from xaiaudit.auditing.cells import plain_cell
from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.predicted_regions import in_predicted, predicted_regions
from xaiaudit.auditing.shift_columns import shift_columns
from xaiaudit.auditing.stored_maps import cells_of, extreme_cells, packed_bits, stored_maps
from xaiaudit.auditing.told import told_cells
from xaiaudit.explainers.base import Explainer
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.extremes import defined, vanished
from xaiaudit.metrics.pointing import peak_state, pointing_inside
from xaiaudit.metrics.pseudo_mask import largest_boxes, pseudo_masks, pseudo_scores
from xaiaudit.metrics.top_pixels import iou_at_lesion_area, relevance_rank
from xaiaudit.models import AuditedModel
from xaiaudit.records import REGIONS, SHIFT_METRICS
from xaiaudit.types import Cells


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
    predicted = predicted_regions(loaded, judged)
    valid = loaded.valid[:, 0].cpu().numpy()
    for (name, target), maps in judged.maps.items():
        before = clean.maps[name, "own"]
        targets = clean.decision if target == "same" else judged.decision
        signed = explainers[name].signed
        told = told_cells(explainers[name], valid)
        columns = _columns(loaded, maps, before, judged, clean, signed=signed, told=told)
        columns |= in_predicted(predicted, maps, signed=signed, within=told)
        columns |= agreement_columns(loaded, clean, judged, maps, signed=signed, within=told)
        stored, scales = stored_maps(maps)
        cells = cells_of(loaded.codes, stored.shape[1:])
        inside = packed_bits(loaded.member.at_cells(stored.shape[1:]))
        ends = partial(extreme_cells, grid=stored.shape[1:], signed=signed, within=told)
        highest, lowest = ends(maps), ends(-maps) if signed else [[]] * len(maps)
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
                    **{key: plain_cell(values[row]) for key, values in loaded.areas.items()},
                    "calibrated": bool(loaded.calibrated[row]),
                    **{key: values[row] for key, values in loaded.field.items()},
                    "native_rows": maps.shape[1],
                    "native_columns": maps.shape[2],
                    "grid_rows": stored.shape[1],
                    "grid_columns": stored.shape[2],
                    "cells": cells[row].ravel(),
                    "inside": inside[row],
                    "maximum_cells": highest[row],
                    "minimum_cells": lowest[row],
                    "map_scale": float(scales[row]),
                    "map": stored[row].ravel(),
                    **{key: plain_cell(values[row]) for key, values in columns.items()},
                }
            )
    return rows


def _columns(
    loaded: Loaded,
    maps: np.ndarray,
    before: np.ndarray,
    judged: Judged,
    clean: Judged,
    *,
    signed: bool,
    told: Cells | None,
) -> dict[str, Any]:
    codes, lesions = loaded.codes, loaded.has_lesion
    rank = relevance_rank(maps, codes, lesions, signed=signed, within=told)
    masks = pseudo_masks(maps, codes.shape[1:])
    boxes = largest_boxes(masks)
    columns = {
        "defined": defined(maps, signed=signed, within=told),
        **pointing_inside(maps, loaded.member, signed=signed, within=told),
        "relevance_rank": rank,
        "iou": iou_at_lesion_area(rank),
        **pseudo_scores(masks, boxes, codes, lesions),
        "pseudo_box": [None if np.isnan(box).any() else box for box in boxes],
    }
    if judged is clean:
        return columns | _unmoved(loaded, maps, signed=signed, told=told)
    return columns | shift_columns(
        loaded,
        before,
        maps,
        defined_before=defined(before, signed=signed, within=told),
        vanished=vanished(before, maps, signed=signed, within=told),
        flipped=judged.decision != clean.decision,
        signed=signed,
        within=told,
    )


def _unmoved(loaded: Loaded, maps: np.ndarray, *, signed: bool, told: Cells | None) -> dict[str, Any]:
    """The same columns for a clean map, which is compared with nothing."""
    compared = [*SHIFT_METRICS, *(f"delta_energy_{region}" for region in REGIONS), "silent_shift"]
    return {
        "peak_state": peak_state(maps, loaded.codes, loaded.has_lesion, signed=signed, within=told),
        **energy_shares(maps, loaded.codes, loaded.has_lesion),
        **dict.fromkeys(compared, [None] * len(maps)),
        "vanished": np.zeros(len(maps), bool),
    }
