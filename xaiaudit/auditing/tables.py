"""The tables of an audit as columns of NumPy arrays, one row an image, in the order of the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.auditing.plan import AuditPlan, PlannedExplainer


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one kind: the same images in the same order, whichever the attack."""

    table: pa.Table

    def floats(self, name: str) -> np.ndarray:
        """(n,) float64, NaN for null."""
        column = self.table[name].cast(pa.float64())
        return np.asarray(pc.fill_null(column, float("nan")).to_numpy())

    def flags(self, name: str) -> np.ndarray:
        """(n,) bool of a column that is never null."""
        return np.asarray(self.table[name].to_numpy(), bool)

    def strings(self, name: str) -> list[str]:
        values: list[str] = self.table[name].to_pylist()
        return values

    def stacked(self, name: str) -> np.ndarray:
        """(n, k) of a column of lists of one length."""
        flat = self.table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat).reshape(len(self.table), -1)

    @cached_property
    def cases(self) -> list[str]:
        return self.strings("case")

    def classes(self, name: str, classes: Sequence[str]) -> np.ndarray:
        """(n,) class index; -1 for null and for a class the model does not know."""
        index = {label: i for i, label in enumerate(classes)}
        return np.array([index.get(value, -1) for value in self.table[name].to_pylist()], np.int64)


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a whole audit: predictions.parquet, maps.parquet and, if it was simulated, acquisition.parquet."""

    plan: AuditPlan
    predictions: pa.Table
    maps: pa.Table
    acquisition: pa.Table | None = None

    @cached_property
    def clean(self) -> Rows:
        return self.prediction("none")

    def prediction(self, attack_id: str, *, quantised: bool = False, epsilon: float | None = None) -> Rows:
        """The attack's own run, or, with `epsilon`, that point of its curve."""
        table = self.predictions
        chosen = pc.and_(pc.equal(table["attack_id"], attack_id), pc.equal(table["quantised"], quantised))
        on_curve = table["curve"]
        if epsilon is None:
            chosen = pc.and_(chosen, pc.invert(on_curve))
        else:
            chosen = pc.and_(chosen, pc.and_(on_curve, pc.equal(table["epsilon"], epsilon)))
        return Rows(table.filter(chosen))

    def map(self, attack_id: str, explainer_id: str, target: str) -> Rows:
        """Maps of one explainer under one attack."""
        table = self.maps
        chosen = pc.and_(
            pc.and_(pc.equal(table["attack_id"], attack_id), pc.equal(table["explainer_id"], explainer_id)),
            pc.equal(table["target"], target),
        )
        return Rows(table.filter(chosen))

    def swept_explainers(self) -> list[PlannedExplainer]:
        """Explainers whose maps were made of simulated sweeps."""
        there = set() if self.acquisition is None else set(self.acquisition["explainer_id"].to_pylist())
        return [explainer for explainer in self.plan.explainers if explainer.id in there]

    def change(self, change_id: str, explainer_id: str | None) -> Rows:
        """The images under one change of the acquisition, with the maps of one explainer; None: with none."""
        if self.acquisition is None:
            raise LookupError("no change of the acquisition was simulated")
        table = self.acquisition
        own = table["explainer_id"]
        chosen = pc.is_null(own) if explainer_id is None else pc.fill_null(pc.equal(own, explainer_id), False)
        return Rows(table.filter(pc.and_(pc.equal(table["change_id"], change_id), chosen)))
