"""Rows of a table as columns of NumPy arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


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


def prediction_rows(
    predictions: pa.Table, attack_id: str, *, quantised: bool = False, epsilon: float | None = None
) -> Rows:
    """Of predictions.parquet: an attack's own run, or, with `epsilon`, that point of its curve."""
    chosen = pc.and_(
        pc.equal(predictions["attack_id"], attack_id), pc.equal(predictions["quantised"], quantised)
    )
    on_curve = predictions["curve"]
    if epsilon is None:
        chosen = pc.and_(chosen, pc.invert(on_curve))
    else:
        chosen = pc.and_(chosen, pc.and_(on_curve, pc.equal(predictions["epsilon"], epsilon)))
    return Rows(predictions.filter(chosen))


def sweep_rows(acquisition: pa.Table, change_id: str, explainer_id: str | None) -> Rows:
    """Of acquisition.parquet: one change, with the maps of one explainer; None: with none."""
    own = acquisition["explainer_id"]
    chosen = pc.is_null(own) if explainer_id is None else pc.fill_null(pc.equal(own, explainer_id), False)
    return Rows(acquisition.filter(pc.and_(pc.equal(acquisition["change_id"], change_id), chosen)))
