"""One audit of a comparison: its record and the rows that are compared, its images in the order of both."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from xaiaudit.audit_files import (
    MAP_TABLE,
    PREDICTION_TABLE,
    RECORD,
    SWEEP_TABLE,
    check_tables,
    digest,
    read_record,
    read_table,
)
from xaiaudit.records import REGIONS, SHIFT_METRICS, AuditRecord
from xaiaudit.rows import Rows, prediction_rows, sweep_rows

Order = Int[np.ndarray, "n"]

PREDICTION_COLUMNS = [
    *(
        "image",
        "sha256",
        "case",
        "label",
        "attack_id",
        "epsilon",
        "curve",
        "quantised",
        "applicable",
        "logits",
    ),
    *("decision", "flipped", "reached", "linf", "l2", "dice"),
]
FIELD_COLUMNS = ["spacing", "diagonal", "lesion_pixels", "valid_pixels"]  # not in audits of older versions
MAP_COLUMNS = [
    *("image", "explainer_id", "target_class", "defined", "peak_state"),
    *(
        f"{extreme}_in_{region}"
        for extreme in ("maximum", "minimum", "either")
        for region in (*REGIONS, "any")
    ),
    *(f"energy_{region}" for region in REGIONS),
    *(f"area_{region}" for region in REGIONS[:4]),
    *(f"chance_{region}" for region in (*REGIONS[:4], "any")),
    *(
        "native_rows",
        "native_columns",
        "grid_rows",
        "grid_columns",
        "cells",
        "maximum_cells",
        "map_scale",
        "map",
    ),
]
SWEEP_COLUMNS = [
    "image", "change_id", "explainer_id", "flipped", "vanished", "silent_shift", *SHIFT_METRICS,
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Side:
    """`order` names the row of each image, in a table with one row an image."""

    folder: Path
    record: AuditRecord
    sha256: str  # of audit.json
    predictions: pa.Table
    maps: pa.Table  # of clean images
    sweeps: pa.Table | None
    order: Order

    def ordered(self, order: Order) -> "Side":
        return replace(self, order=order)

    def clean(self) -> Rows:
        return self.attacked("none")

    def attacked(self, attack_id: str, *, quantised: bool = False, epsilon: float | None = None) -> Rows:
        return self._taken(prediction_rows(self.predictions, attack_id, quantised=quantised, epsilon=epsilon))

    def map(self, explainer_id: str) -> Rows:
        return self._taken(Rows(self.maps.filter(pc.equal(self.maps["explainer_id"], explainer_id))))

    def sweep(self, change_id: str, explainer_id: str) -> Rows:
        """Raises LookupError where none was simulated."""
        if self.sweeps is None:
            raise LookupError("no change of the acquisition was simulated")
        return self._taken(sweep_rows(self.sweeps, change_id, explainer_id))

    @property
    def knows_field(self) -> bool:
        """The audit recorded what maps of another audit are compared on."""
        there = set(FIELD_COLUMNS) <= set(self.maps.column_names)
        return there and self.maps["diagonal"].null_count == 0

    def _taken(self, rows: Rows) -> Rows:
        return Rows(rows.table.take(pa.array(self.order)))


def read_side(folder: Path) -> Side:
    """The audit in `folder`, its images in the order of its tables.

    Raises:
        AuditError: no finished audit, or a file of it that is missing, another, or cannot be read.
    """
    record = read_record(folder)
    check_tables(folder, record)
    predictions = read_table(folder / PREDICTION_TABLE, PREDICTION_COLUMNS)
    clean = pc.field("attack_id") == "none"
    maps = read_table(folder / MAP_TABLE, MAP_COLUMNS, clean, optional=FIELD_COLUMNS)
    sweeps = None if record.variability is None else read_table(folder / SWEEP_TABLE, SWEEP_COLUMNS)
    sha256, images = digest(folder / RECORD), len(prediction_rows(predictions, "none").table)
    return Side(folder, record, sha256, predictions, maps, sweeps, np.arange(images))
