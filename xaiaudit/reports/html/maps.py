"""The maps of every image, a byte a cell, with the region of each cell."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.audit_files import MAP_TABLE, read_table
from xaiaudit.records import ExplainerRecord
from xaiaudit.reports.html.cases import TARGET, in_order
from xaiaudit.reports.html.values import Bytes, plain
from xaiaudit.reports.reading import EXTREME_COLUMN, Audit
from xaiaudit.rows import Rows

COLUMNS = (
    "image", "attack_id", "explainer_id", "target", "defined", "peak_state", "grid_rows", "grid_columns", "cells",
    "map_scale", "map",
)  # fmt: skip
ZERO, FULL = 128, 127  # of a signed map: the byte of 0, and how far from it the largest magnitude lies


def map_bytes(audit: Audit, names: list[str], into: Bytes) -> list[dict[str, Any]]:
    """Of each explainer its grid and, of clean images and then of each attack, where the maps begin in `into`."""
    path = audit.folder / MAP_TABLE
    clean = pc.field("attack_id") == "none"
    attacked = pc.field("target") == TARGET
    found = []
    for explainer in audit.record.explainers:
        own = (pc.field("explainer_id") == explainer.id) & (clean | attacked)
        rows = read_table(path, COLUMNS, own, optional=[EXTREME_COLUMN])
        states = [
            in_order(rows.filter(pc.field("attack_id") == state), names, f"{path} under {state}")
            for state in ("none", *(attack.id for attack in audit.record.attacks))
        ]
        found.append(_explainer(explainer, states, into))
    return found


def _explainer(explainer: ExplainerRecord, states: list[pa.Table], into: Bytes) -> dict[str, Any]:
    rows, columns = (states[0][name][0].as_py() for name in ("grid_rows", "grid_columns"))
    return {
        "rows": rows,
        "columns": columns,
        "cells": into.add(Rows(states[0]).stacked("cells")),
        "states": [_state(state, explainer.signed, into) for state in states],
    }


def _state(rows: pa.Table, signed: bool, into: Bytes) -> dict[str, Any]:
    """`scale` is the raw value of the largest magnitude; `peak` the cell of the maximum, None where undefined."""
    stored = Rows(rows).stacked("map").astype(np.float32)
    values = np.nan_to_num(stored)  # a map with NaN is undefined, and said to be
    largest = (np.abs(values) if signed else values).max(axis=1, initial=0)
    share = values / np.where(largest > 0, largest, np.float32(1))[:, None]
    coded = ZERO + FULL * share if signed else 255 * share.clip(0)
    return {
        "start": into.add(np.rint(coded)),
        "scale": plain(largest * Rows(rows).floats("map_scale")),
        "peak": _peaks(rows, share),
        "state": rows["peak_state"].to_pylist(),
    }


def _peaks(rows: pa.Table, share: np.ndarray) -> list[int | None]:
    """Audits of older versions hold the map alone."""
    defined = rows["defined"].to_pylist()
    if EXTREME_COLUMN in rows.column_names:
        cells = rows[EXTREME_COLUMN].to_pylist()
        return [own[0] if yes else None for own, yes in zip(cells, defined, strict=True)]
    return [int(own.argmax()) if yes else None for own, yes in zip(share, defined, strict=True)]
