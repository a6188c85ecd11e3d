"""One dataset of a benchmark: read once, split into folds, brought to the grid of each configuration."""

import hashlib
from collections import Counter
from functools import cached_property, lru_cache

from xaiaudit.benchmark_record import DataRecord
from xaiaudit.benchmarking.plan import DataTable, Plan
from xaiaudit.data import Dataset, Split
from xaiaudit.data.cases import cases_of
from xaiaudit.data.splits import kfold_cases
from xaiaudit.records import LeftOutRecord
from xaiaudit.training.material import Material, Reading, read_labelled
from xaiaudit.types import Preprocessing


class Images:
    """Holds every image of a dataset; 50 kB an image more for the grid that was asked for last."""

    def __init__(self, table: DataTable, listed: Dataset, plan: Plan) -> None:
        self.table, self._plan = table, plan
        if any(item.preprocessing.takes_mask for item in plan.configurations):
            listed = listed.outlined()  # of all configurations, so that they are compared on the same images
        self.reading: Reading = read_labelled(
            listed, positive=table.positive, limit=table.limit, seed=plan.seed
        )
        self.cases = cases_of(self.reading.samples)
        self.splits = lru_cache(self._splits)
        self._prepared = lru_cache(maxsize=1)(self._on_grid)

    def material(self, preprocessing: Preprocessing, repeat: int, fold: int) -> Material:
        """The images as one run sees them; `repeat` and `fold` from 1."""
        prepared = self._prepared(preprocessing)
        return Material(
            dataset=prepared.dataset,
            samples=prepared.samples,
            prepared=prepared.prepared,
            split=self.splits(repeat)[fold - 1],
            left_out=prepared.left_out,
        )

    @cached_property
    def case_numbers(self) -> dict[str, int]:
        """From 1, in order of the images: a number names no patient."""
        return {case: number for number, case in enumerate(dict.fromkeys(self.cases), start=1)}

    @cached_property
    def digest(self) -> str:
        """Of everything that decides a split: pixels, labels and cases."""
        samples = self.reading.samples
        lines = [f"{s.name} {s.sha256} {s.label} {case}" for s, case in zip(samples, self.cases, strict=True)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def record(self) -> DataRecord:
        samples = self.reading.samples
        counts = Counter(sample.label or "" for sample in samples)
        return DataRecord(
            name=str(self.table.name),
            paths=self.table.paths,
            words=self.reading.dataset.describe(),
            positive=self.table.positive,
            images=len(samples),
            cases=len(self.case_numbers),
            labels=dict(sorted(counts.items())),
            left_out=[LeftOutRecord(file=file, reason=reason) for file, reason in self.reading.left_out],
            digest=self.digest,
        )

    def _splits(self, repeat: int) -> list[Split]:
        plan = self._plan
        labels = [sample.label or "" for sample in self.reading.samples]
        return kfold_cases(
            labels, self.cases, folds=plan.folds, seed=plan.seed + repeat - 1, validation=plan.validation
        )

    def _on_grid(self, preprocessing: Preprocessing) -> Material:
        return self.reading.material(self.splits(1)[0], preprocessing)
