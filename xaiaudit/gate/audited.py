"""A finished audit as the gate reads it: its record, and every table in the order of its images. No torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from xaiaudit.errors import AuditError
from xaiaudit.records import EXTREMES, REGIONS, AuditRecord
from xaiaudit.rows import Rows

PREDICTIONS = (
    "image", "dataset", "sha256", "case", "label", "attack_id", "curve", "quantised", "applicable", "logits",
    "decision", "flipped", "reached", "failed", "dice",
)  # fmt: skip
OF_IMAGES = ("outlined_lesion", "device", "birads", "size")  # not in audits of older versions
HITS = tuple(f"{extreme}_in_{region}" for extreme in EXTREMES for region in (*REGIONS, "any"))
MAPS = ("image", "attack_id", "explainer_id", "target", "defined", "vanished", "silent_shift", *HITS)
SWEEPS = ("image", "change_id", "explainer_id", "flipped", "silent_shift")


@dataclass(frozen=True, kw_only=True, eq=False)
class Audited:
    """Rows come one an image, always in the order of `images`."""

    name: str  # of its folder, for messages
    sha256: str  # of audit.json
    record: AuditRecord
    predictions: pa.Table
    maps: pa.Table
    sweeps: pa.Table | None  # None where no second sweep was simulated

    @cached_property
    def clean(self) -> Rows:
        table = self.predictions
        return Rows(table.filter(pc.equal(table["attack_id"], "none")))

    @cached_property
    def images(self) -> list[str]:
        return self.clean.strings("image")

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) class index, -1 without a label that the model knows."""
        return self.clean.classes("label", self.record.checkpoint.classes)

    @cached_property
    def decisions(self) -> np.ndarray:
        """(n,) class index, of the clean images."""
        return self.clean.classes("decision", self.record.checkpoint.classes)

    @property
    def positive(self) -> int:
        return self.record.checkpoint.classes.index(self.record.checkpoint.positive)

    def attacked(self, attack_id: str, *, rounded: bool) -> Rows:
        """The images after an attack, as it left them or after rounding to 8 bits."""
        table = self.predictions
        own = pc.and_(pc.equal(table["attack_id"], attack_id), pc.equal(table["quantised"], rounded))
        return self._aligned(table.filter(pc.and_(own, pc.invert(table["curve"]))), attack_id)

    def explained(self, attack_id: str, explainer_id: str) -> Rows:
        """Maps of the clean decision: on the clean images ("none"), or after an attack."""
        table = self.maps
        own = pc.and_(pc.equal(table["attack_id"], attack_id), pc.equal(table["explainer_id"], explainer_id))
        target = "own" if attack_id == "none" else "same"
        rows = table.filter(pc.and_(own, pc.equal(table["target"], target)))
        return self._aligned(rows, f"the maps of {explainer_id} under {attack_id}")

    def swept(self, explainer_id: str | None) -> Rows:
        """The second sweep, with every change at once; its decisions are the same beside each explainer's maps.

        Raises:
            LookupError: no second sweep was simulated, or no maps of that explainer.
        """
        variability = self.record.variability
        if self.sweeps is None or variability is None:
            raise LookupError("the audit simulated no second sweep")
        table = self.sweeps.filter(pc.equal(self.sweeps["change_id"], variability.changes[-1].id))
        own = table["explainer_id"].to_pylist()
        wanted = own[0] if explainer_id is None else explainer_id
        if wanted not in own:
            raise LookupError(f"the audit has no maps of {explainer_id} on the second sweep")
        return self._aligned(table.filter(pa.array([name == wanted for name in own])), "the second sweep")

    def _aligned(self, rows: pa.Table, what: str) -> Rows:
        found = rows["image"].to_pylist()
        if found == self.images:
            return Rows(rows)
        place = {image: number for number, image in enumerate(found)}
        if len(found) != len(self.images) or place.keys() != set(self.images):
            raise AuditError(
                f"{self.name}: the tables hold {len(found)} rows for {what}, and {len(self.images)} images; restore "
                "the folder or run the audit again"
            )
        return Rows(rows.take([place[image] for image in self.images]))


def read_audited(folder: Path) -> Audited:
    """The audit in `folder`.

    Raises:
        AuditError: no finished audit there, or one of its tables is missing, another, or cannot be read.
    """
    record = read_record(folder)
    check_tables(folder, record)
    found = Audited(
        name=str(folder),
        sha256=digest(folder / RECORD),
        record=record,
        predictions=read_table(folder / PREDICTION_TABLE, PREDICTIONS, optional=OF_IMAGES),
        maps=read_table(folder / MAP_TABLE, MAPS),
        sweeps=None if record.variability is None else read_table(folder / SWEEP_TABLE, SWEEPS),
    )
    if len(found.images) != record.images:
        raise AuditError(
            f"{folder / PREDICTION_TABLE} holds {len(found.images)} clean images, and {RECORD} {record.images}; "
            "restore the folder or run the audit again"
        )
    return found
