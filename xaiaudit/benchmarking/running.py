"""The whole benchmark: every run that is left, then the tables and the record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import torch

from xaiaudit.auditing.chosen_explainers import planned_explainers
from xaiaudit.auditing.specs import parsed
from xaiaudit.benchmark_record import BenchmarkRecord, DataRecord, RunRecord
from xaiaudit.benchmarking.configurations import Configuration
from xaiaudit.benchmarking.images import Images
from xaiaudit.benchmarking.plan import DataTable, Plan
from xaiaudit.benchmarking.record import benchmark_record
from xaiaudit.benchmarking.run import run
from xaiaudit.benchmarking.tables import predictions_table, runs_table
from xaiaudit.benchmarking.unit import Unit, finished_record, run_settings
from xaiaudit.data import Dataset, open_dataset
from xaiaudit.devices import find_device
from xaiaudit.errors import DataError, UsageError, XaiauditError
from xaiaudit.explainers.spec import parse as parse_explainer
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.registry import heads_of, is_factory
from xaiaudit.parquet import write_table
from xaiaudit.training import Progress, Silent
from xaiaudit.training.material import check_no_mask, check_positive
from xaiaudit.writing import prove_writable, write_atomically

RECORD, RUNS, PREDICTIONS = "benchmark.json", "runs.parquet", "predictions.parquet"
Part = tuple[int, int]  # (3, 16): the third of sixteen
OnRun = Callable[[int, int, str, RunRecord | None], None]


def benchmark(
    plan: Plan,
    out: Path | str,
    *,
    shard: Part | None = None,
    device: str = "auto",
    command: Sequence[str] = (),
    on_run: OnRun | None = None,
    progress: Progress | None = None,
) -> BenchmarkRecord | None:
    """Do every run that is not done, and write the tables and benchmark.json.

    Args:
        plan: as `read_plan` gives it.
        out: the folder; runs in it that are done with the same settings are kept, one that was killed goes on.
        shard: (i, n) does every n-th run from the i-th on and writes no tables: a call without it does, once all are
            done.
        device: "auto", "cpu" or "cuda[:N]".
        command: what was called, for the record.
        on_run: told the number of a run, of all, its name, and its record: None when it begins.
        progress: told of the training.

    Returns:
        The record that stands in benchmark.json; None with `shard`.

    Raises:
        UsageError, DataError, AuditError: see their messages.
    """
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"shard must be (i, n) with i from 1 to n, got {shard}")
    out, device = Path(out), find_device(device)
    _check_place(out)
    _try_building(plan)
    listed = [
        _listed(table, plan) for table in plan.data
    ]  # all before the first is read: faults show at once
    do = _Runs(plan, out, shard, device, on_run or _silent, progress or Silent())
    done = [do.dataset(place, dataset) for place, dataset in enumerate(listed)]
    if shard is not None:
        return None
    runs = [item for _, of_data in done for item in of_data]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    record = benchmark_record(plan, [data for data, _ in done], runs, command=command, created=created)
    write_table(out / RUNS, runs_table(plan, [item for _, item in runs]))
    write_table(out / PREDICTIONS, predictions_table(runs))
    write_atomically(out / RECORD, record.model_dump_json(indent=1).encode())
    return record


@dataclass(frozen=True)
class _Runs:
    plan: Plan
    out: Path
    shard: Part | None
    device: str
    on_run: OnRun
    progress: Progress

    def dataset(self, place: int, listed: Dataset) -> tuple[DataRecord, list[tuple[Path, RunRecord]]]:
        """All runs of the dataset at that place of the plan; its images are let go at the end."""
        images = Images(self.plan.data[place], listed, self.plan)
        units = all_units(self.plan)
        total = len(units) * len(self.plan.data)
        found = []
        for number, unit in enumerate(units, start=1 + place * len(units)):
            if self.shard is not None and number % self.shard[1] != self.shard[0] % self.shard[1]:
                continue
            folder = unit.folder(self.out, images.table.folder)
            record = finished_record(folder, run_settings(unit, images, self.plan))
            if record is None:
                self.on_run(number, total, unit.words(str(images.table.name)), None)
                record = run(unit, images, self.plan, folder, device=self.device, progress=self.progress)
            self.on_run(number, total, record.name, record)
            found.append((folder, record))
        return images.record(), found


def all_units(plan: Plan) -> list[Unit]:
    """Every run of a dataset: one configuration after the other, each in every repeat and fold."""
    return [
        Unit(configuration=configuration, repeat=repeat, fold=fold)
        for configuration, repeat, fold in product(
            plan.configurations, range(1, plan.repeats + 1), range(1, plan.folds + 1)
        )
    ]


def _silent(number: int, total: int, name: str, record: RunRecord | None) -> None:
    """Tells nobody."""


def _listed(table: DataTable, plan: Plan) -> Dataset:
    """Raises what a run would end with, where it can be known before the images are read."""
    dataset = open_dataset(table.paths, kind=table.kind, normals=table.normals)
    check_positive(table.positive, dataset)
    outlining = [item for item in plan.configurations if _outlines(item.architecture)]
    if outlining and not any(entry.outlined for entry in dataset.entries):
        raise DataError(
            f"{outlining[0].name} learns to outline lesions, and {dataset.path} has no mask; leave that dataset or "
            "such models out, or give them a file of their own"
        )
    return dataset


def _check_place(out: Path) -> None:
    """Raises UsageError, before the long work, where nothing could be written."""
    try:
        prove_writable(out)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out} ({error.strerror}); name another folder with --out"
        ) from error


def _try_building(plan: Plan) -> None:
    """Finds names, arguments, weights and explainers that cannot be used before hours of runs; each network once."""
    seen = set()
    for item in plan.configurations:
        try:
            if not _outlines(item.architecture) and not is_factory(item.architecture):
                check_no_mask(item.recipe, item.architecture)
            key = (item.architecture, item.weights, repr(item.arguments), item.preprocessing)
            if key not in seen:
                _try(item, None if plan.audit is None else plan.audit.explainers)
            seen.add(key)
        except XaiauditError as error:
            raise type(error)(f"{plan.file}: {item.name}: {error}") from error


def _outlines(architecture: str) -> bool:
    return "mask" in (heads_of(architecture) or ())


def _try(item: Configuration, explainers: Sequence[str] | None) -> None:
    channels = item.preprocessing.channels
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        net = build(item.architecture, classes=2, channels=channels, weights=item.weights, **item.arguments)
    if explainers is not None:
        model = AuditedModel(
            net, classes=("benign", "malignant"), positive="malignant", preprocessing=item.preprocessing
        )
        planned_explainers(model, parsed(explainers, parse_explainer))
