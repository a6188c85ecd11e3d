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
