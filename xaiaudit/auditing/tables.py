"""The tables of an audit, by what their rows are of, one row an image, in the order of the plan."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.auditing.plan import AuditPlan, PlannedExplainer
from xaiaudit.rows import Rows, prediction_rows, sweep_rows


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
        return prediction_rows(self.predictions, attack_id, quantised=quantised, epsilon=epsilon)

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
        return sweep_rows(self.acquisition, change_id, explainer_id)
