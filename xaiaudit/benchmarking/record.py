"""From the records of all runs to benchmark.json."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from xaiaudit.benchmark_record import (
    SCHEMA,
    BenchmarkRecord,
    ConfigurationRecord,
    DataRecord,
    RunRecord,
)
from xaiaudit.benchmarking.comparing import adjusted, comparison_records
from xaiaudit.benchmarking.configurations import Configuration
from xaiaudit.benchmarking.finished import Finished
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.benchmarking.pooling import result_record
from xaiaudit.benchmarking.tables import opened
from xaiaudit.types import plain
from xaiaudit.version import __version__


def benchmark_record(
    plan: Plan,
    data: Sequence[DataRecord],
    runs: Sequence[tuple[Path, RunRecord]],
    *,
    command: Sequence[str],
    created: str,
) -> BenchmarkRecord:
    """Every figure of a benchmark whose runs are all done or stopped."""
    results, comparisons = [], []
    for item in data:
        of_data = [(folder, record) for folder, record in runs if record.dataset == item.name]
        tested = {
            configuration.name: [
                Finished(folder, record)
                for folder, record in of_data
                if record.configuration == configuration.name and record.status == "done"
            ]
            for configuration in plan.configurations
        }
        for name, finished in tested.items():
            records = [record for _, record in of_data if record.configuration == name]
            results.append(result_record(item.name, name, records, finished))
            if name != plan.reference:
                comparisons += comparison_records(item.name, name, tested[plan.reference], finished)
    return BenchmarkRecord(
        schema_version=SCHEMA,
        xaiaudit=__version__,
        created=created,
        command=list(command),
        file=str(plan.file),
        toml=plan.toml,
        folds=plan.folds,
        repeats=plan.repeats,
        validation=plan.validation,
        seed=plan.seed,
        reference=plan.reference,
        audit=None if plan.audit is None else plan.audit.model_dump(),
        data=list(data),
        configurations=[_configuration(configuration) for configuration in plan.configurations],
        results=results,
        comparisons=adjusted(comparisons),
    )


def _configuration(configuration: Configuration) -> ConfigurationRecord:
    return ConfigurationRecord(
        name=configuration.name,
        folder=configuration.folder,
        model=configuration.model,
        architecture=configuration.architecture,
        weights=configuration.weights,
        arguments=configuration.arguments,
        recipe=plain(asdict(configuration.recipe)),
        preprocessing=plain(asdict(configuration.preprocessing)),
        varied={field: plain(opened(value)) for field, value in configuration.varied.items()},
    )
