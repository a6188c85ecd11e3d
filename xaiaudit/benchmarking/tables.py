"""runs.parquet and predictions.parquet, from the folders of the runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xaiaudit.benchmark_record import METRICS, PREDICTIONS, RUNS, RunRecord
from xaiaudit.benchmarking.configurations import Configuration
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.benchmarking.unit import TABLE
from xaiaudit.types import plain


def runs_table(plan: Plan, records: Sequence[RunRecord]) -> pa.Table:
    """One row a run, stopped ones too: RUNS, then what the grid varied, then the figures of attacks."""
    by_name = {configuration.name: configuration for configuration in plan.configurations}
    table = pa.Table.from_pylist(
        [_row(by_name[record.configuration], record) for record in records], schema=RUNS
    )
    for field in dict.fromkeys(field for item in plan.configurations for field in item.varied):
        values = [by_name[record.configuration].varied.get(field) for record in records]
        texts = [None if value is None else json.dumps(plain(opened(value))) for value in values]
        table = table.append_column(f"varied_{field}", pa.array(texts, pa.string()))
    columns: dict[str, list[Any]] = {}
    found = [attack_columns(record) for record in records]
    for name in dict.fromkeys(name for row in found for name in row):
        columns[name] = [row.get(name) for row in found]
    for name, values in columns.items():
        kind = pa.bool_() if name.startswith("assessable_") else pa.float64()
        table = table.append_column(name, pa.array(values, kind))
    return table


def predictions_table(runs: Sequence[tuple[Path, RunRecord]]) -> pa.Table:
    """One row an image and finished run."""
    parts = [pq.read_table(folder / TABLE) for folder, record in runs if record.status == "done"]
    return pa.concat_tables([PREDICTIONS.empty_table(), *parts]).combine_chunks()


def metric_values(record: RunRecord) -> dict[str, float | None]:
    """The clean metrics of one run, by name; None where undefined, and of a diagnosis that is not made."""
    clean = record.clean
    if clean is None:
        return dict.fromkeys(METRICS)
    found = {name: getattr(clean, name) for name in record.metrics}
    return {name: None if found.get(name) is None else found[name].estimate for name in METRICS}


def _row(configuration: Configuration, record: RunRecord) -> dict[str, Any]:
    settings = {
        "arguments": configuration.arguments,
        "recipe": asdict(configuration.recipe),
        "preprocessing": asdict(configuration.preprocessing),
    }
    return {
        "dataset": record.dataset,
        "configuration": record.configuration,
        "model": configuration.model,
        "architecture": configuration.architecture,
        "weights": configuration.weights,
        "settings": json.dumps(plain(settings)),
        **{name: getattr(record, name) for name in ("repeat", "fold", "seed", "status", "reason", "epochs")},
        **{name: getattr(record, name) for name in ("best_epoch", "seconds", "parameters", "threshold")},
        "images": None if record.clean is None else record.clean.images,
        **metric_values(record),
    }


def opened(value: Any) -> Any:
    """A table of settings as plain values."""
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def attack_columns(record: RunRecord) -> dict[str, float | bool | None]:
    """The figures of a run under each attack, by column; None where flips say nothing."""
    row: dict[str, float | bool | None] = {}
    for attack in record.attacks:
        robust, assessable = attack.robust_accuracy, not record.why_not(attack)
        found = {
            f"flips_{attack.attack_id}": attack.flips.estimate,
            f"robust_accuracy_{attack.attack_id}": None if robust is None else robust.estimate,
        }
        for shift in attack.shifts:
            name = f"{attack.attack_id}_{shift.explainer_id}"
            found |= {
                f"silent_shift_{name}": shift.silent_shift.estimate,
                f"mass_centre_{name}": shift.mass_centre.median,
            }
        row |= {name: value if assessable else None for name, value in found.items()}
        row[f"assessable_{attack.attack_id}"] = assessable
    return row
