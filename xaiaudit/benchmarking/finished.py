"""What one run said of its test images, clean and attacked, as columns of NumPy arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xaiaudit.benchmark_record import AttackFigures, RunRecord
from xaiaudit.benchmarking.unit import AUDIT, TABLE
from xaiaudit.metrics.cross_validated import Fold
from xaiaudit.rows import Rows

ATTACKED = [
    "image",
    "attack_id",
    "quantised",
    "curve",
    "flipped",
    "label",
    "decision",
    "decision_clean",
    "dice",
    "outlined_lesion",
]
SHIFTED = ["image", "attack_id", "explainer_id", "target", "silent_shift", "mass_centre_diagonal"]


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run."""

    folder: Path
    record: RunRecord

    @property
    def key(self) -> tuple[int, int]:
        """Runs of one key tested the same images."""
        return self.record.repeat, self.record.fold

    @cached_property
    def rows(self) -> Rows:
        return Rows(pq.read_table(self.folder / TABLE))

    @cached_property
    def cases(self) -> list[int]:
        return [int(case) for case in self.rows.table["case"].to_pylist()]

    @cached_property
    def truth(self) -> np.ndarray:
        return self.rows.classes("label", self.record.classes)

    @cached_property
    def decided(self) -> np.ndarray:
        return self.rows.classes("decision", self.record.classes)

    @property
    def positive(self) -> int:
        return self.record.classes.index(self.record.positive)

    def fold(self) -> Fold:
        """For the AUC: positive class against the rest."""
        return Fold(
            labels=self.truth == self.positive,
            scores=self.rows.floats("score"),
            cases=self.cases,
            repeat=self.record.repeat,
        )

    @cached_property
    def case_of(self) -> dict[str, int]:
        return dict(zip(self.rows.strings("image"), self.cases, strict=True))

    def attack(self, attack_id: str) -> AttackFigures | None:
        return next((item for item in self.record.attacks if item.attack_id == attack_id), None)

    def after_a_flip(self, attack_id: str) -> bool:
        attack = self.attack(attack_id)
        return attack is not None and attack.after_a_flip

    def explainers(self, attack_id: str) -> list[str]:
        """Ids, of the maps under this attack."""
        attack = self.attack(attack_id)
        return [] if attack is None else [shift.explainer_id for shift in attack.shifts]

    def attacked(self, attack_id: str) -> Rows:
        """The audited images after the attack's own run, before rounding; of "none", the clean ones."""
        table = self._attacked
        chosen = pc.and_(
            pc.equal(table["attack_id"], attack_id), pc.invert(pc.or_(table["quantised"], table["curve"]))
        )
        return Rows(table.filter(chosen))

    def shifted(self, attack_id: str, explainer_id: str) -> Rows:
        """Their maps of the clean decision."""
        table = self._shifted
        chosen = pc.and_(
            pc.and_(pc.equal(table["attack_id"], attack_id), pc.equal(table["explainer_id"], explainer_id)),
            pc.equal(table["target"], "same"),
        )
        return Rows(table.filter(chosen))

    @cached_property
    def _attacked(self) -> pa.Table:
        return pq.read_table(self.folder / AUDIT / "predictions.parquet", columns=ATTACKED)

    @cached_property
    def _shifted(self) -> pa.Table:
        return pq.read_table(self.folder / AUDIT / "maps.parquet", columns=SHIFTED)


def cases_of_rows(run: Finished, rows: Rows) -> list[int]:
    return [run.case_of[name] for name in rows.strings("image")]


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0)


def all_cases(runs: Sequence[Finished]) -> list[int]:
    return [case for run in runs for case in run.cases]
