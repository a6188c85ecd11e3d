"""One dataset of a benchmark: read once, split into folds, brought to the grid of each configuration."""

from collections import Counter
from dataclasses import replace
from functools import cached_property

from xaiaudit.benchmark_record import DataRecord
from xaiaudit.benchmarking.plan import DataTable, Plan
from xaiaudit.data import Dataset
from xaiaudit.data.cases import cases_of
from xaiaudit.data.splits import kfold_cases
from xaiaudit.records import LeftOutRecord
from xaiaudit.training.material import Material, Reading, learnt_digest, read_labelled
from xaiaudit.types import Preprocessing


class Images:
    """Holds every image of a dataset; 50 kB an image more for the grid that was asked for last."""

    def __init__(self, table: DataTable, listed: Dataset, plan: Plan) -> None:
        self.table = table
        if any(item.preprocessing.takes_mask for item in plan.configurations):
            listed = listed.outlined()  # of all configurations, so that they are compared on the same images
        self.reading: Reading = read_labelled(
            listed, positive=table.positive, limit=table.limit, seed=plan.seed
        )
        self.cases = cases_of(self.reading.samples)
        labels = [sample.label or "" for sample in self.reading.samples]
        self.splits = [
            kfold_cases(
                labels, self.cases, folds=plan.folds, seed=plan.seed + repeat, validation=plan.validation
            )
            for repeat in range(plan.repeats)
        ]
        self._prepared: tuple[Preprocessing, Material] | None = None

    def material(self, preprocessing: Preprocessing, repeat: int, fold: int) -> Material:
        """The images as one run sees them; `repeat` and `fold` from 1."""
        split = self.splits[repeat - 1][fold - 1]
        if self._prepared is None or self._prepared[0] != preprocessing:
            self._prepared = preprocessing, self.reading.material(split, preprocessing)
        return replace(self._prepared[1], split=split)

    @cached_property
    def case_numbers(self) -> dict[str, int]:
        """From 1, in order of the images: a number names no patient."""
        return {case: number for number, case in enumerate(dict.fromkeys(self.cases), start=1)}

    @cached_property
    def digest(self) -> str:
        """Of all that a run can learn from them: pixels, labels, cases and outlines."""
        samples = self.reading.samples
        named = (f"{sample.name} {case}" for sample, case in zip(samples, self.cases, strict=True))
        return learnt_digest(samples, "\n".join(named))

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
            never_tested=len(self.splits[0][0].excluded_from_test),
            labels=dict(sorted(counts.items())),
            left_out=[LeftOutRecord(file=file, reason=reason) for file, reason in self.reading.left_out],
            digest=self.digest,
        )
