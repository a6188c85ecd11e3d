"""Two audits of the same images: which images one lacks, which row of one is which of the other, how they differ.

Tables have one row an image and the columns `sha256` (of its pixels), `label` and `image` (its name). Images are paired
by the hash of their pixels; copies of one image, by their labels, then in the order of their names.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa


def lacking(own: pa.Table, other: pa.Table) -> list[str]:
    """Names of own images that the other has not; of copies, as many as are too many."""
    free = Counter(other["sha256"].to_pylist())
    found = []
    for sha256, name in zip(own["sha256"].to_pylist(), own["image"].to_pylist(), strict=True):
        if free[sha256] == 0:
            found.append(name)
        else:
            free[sha256] -= 1
    return found


def rows_of(own: pa.Table, other: pa.Table) -> np.ndarray:
    """(n,) int64: the row of `other` that is each image of `own`; neither may lack one of the other."""
    order = np.empty(own.num_rows, np.int64)
    order[_sorted(own)] = _sorted(other)
    return order


def _sorted(table: pa.Table) -> np.ndarray:
    """(n,) int64: rows by hash, label and name."""
    labels = map(str, table["label"].to_pylist())  # None too has a place
    keys = list(zip(table["sha256"].to_pylist(), labels, table["image"].to_pylist(), strict=True))
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def relabelled(own: pa.Table, other: pa.Table, rows: np.ndarray) -> list[tuple[str, str | None, str | None]]:
    """Name, label of its own and label of the other, of the images whose labels differ; `rows` as of `rows_of`."""
    others = other["label"].take(pa.array(rows)).to_pylist()
    triples = zip(own["image"].to_pylist(), own["label"].to_pylist(), others, strict=True)
    return [triple for triple in triples if triple[1] != triple[2]]


def otherwise_prepared(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Key, own value and other value of what differs between two records of a preprocessing."""
    young: dict[str, Any] = {"inputs": []}  # not in audits of older versions, where every channel is grey
    first, second = young | dict(own), young | dict(other)
    return [
        (key, first.get(key), second.get(key))
        for key in {**first, **second}
        if first.get(key) != second.get(key)
    ]
