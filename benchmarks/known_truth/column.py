"""What the networks of one cue told, case by case."""

from collections.abc import Sequence

import numpy as np

from benchmarks.results import Record


class Column:
    """The cases of all networks of a cue; with `resting`, those whose decision rests on the cue."""

    def __init__(self, records: Sequence[Record], resting: bool) -> None:
        self.records = records
        rests = np.concatenate([record["causal"]["rests"] for record in records]).astype(bool)
        self.kept = rests if resting else np.ones_like(rests)
        self.cases = np.concatenate([record["cases"] for record in records])[self.kept]

    def of_cases(self, lists: Sequence[Sequence[float]]) -> np.ndarray:
        """One list a record, of a value a case, to the values of the cases that are kept."""
        return np.concatenate(lists)[self.kept].astype(float)

    def refused(self, name: str) -> bool:
        return any(isinstance(record["explainers"][name], str) for record in self.records)

    def values(self, name: str, key: str) -> np.ndarray:
        return self.of_cases([record["explainers"][name][key] for record in self.records])

    def of_any(self, names: Sequence[str], key: str) -> np.ndarray:
        """What is the same for all explainers, of the first that the networks can be explained by."""
        return self.values(next(name for name in names if not self.refused(name)), key)
