"""Which run, all that decides its numbers, and whether it is done."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xaiaudit.benchmark_record import RunRecord
from xaiaudit.benchmarking.configurations import Configuration
from xaiaudit.benchmarking.images import Images
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.errors import UsageError
from xaiaudit.training import Recipe
from xaiaudit.training.provenance import weights_sha256
from xaiaudit.types import plain

RUN, SETTINGS, MODEL, TABLE, AUDIT = "run.json", "settings.json", "model.pt", "predictions.parquet", "audit"
_ABSENT = object()  # a setting that is left out, as fields of a recipe are that are as by default


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Which run."""

    configuration: Configuration
    repeat: int  # from 1
    fold: int  # from 1

    def words(self, dataset: str) -> str:
        return f"{dataset}, {self.configuration.name}, repeat {self.repeat}, fold {self.fold}"

    def folder(self, out: Path, dataset: str) -> Path:
        """Of the dataset's folder name."""
        return out / "runs" / dataset / self.configuration.folder / f"repeat{self.repeat}-fold{self.fold}"


def run_settings(unit: Unit, images: Images, plan: Plan) -> dict[str, Any]:
    """All that decides the numbers of a run. Two that agree are the same run."""
    configuration, default = unit.configuration, asdict(Recipe())
    settings = {
        "architecture": configuration.architecture,
        "weights": configuration.weights,
        "weights_sha256": weights_sha256(configuration.weights),
        "arguments": configuration.arguments,
        "recipe": {
            field: value for field, value in asdict(configuration.recipe).items() if value != default[field]
        },
        "preprocessing": asdict(configuration.preprocessing),
        "positive": images.table.positive,
        "images": images.digest,
        "folds": plan.folds,
        "validation": plan.validation,
        "split_seed": plan.seed + unit.repeat - 1,
        "fold": unit.fold,
        "seed": training_seed(unit, plan),
        "audit": None if plan.audit is None else plan.audit.model_dump(),
    }
    return dict(json.loads(json.dumps(plain(settings))))


def training_seed(unit: Unit, plan: Plan) -> int:
    """The same for every configuration, another for every fold and repeat."""
    return plan.seed + (unit.repeat - 1) * plan.folds + unit.fold - 1


def finished_record(folder: Path, settings: dict[str, Any]) -> RunRecord | None:
    """The record of a run that is done; None where something is left to do, an audit that was not asked for before too.

    Raises:
        UsageError: the folder holds a run of other settings, or a record that cannot be read.
    """
    if not (folder / SETTINGS).exists():
        return None
    known = json.loads((folder / SETTINGS).read_bytes())
    differing = [key for key in settings if key != "audit" and known.get(key) != settings[key]]
    if None not in (known["audit"], settings["audit"]) and known["audit"] != settings["audit"]:
        differing.append("audit")
    if differing:
        key = differing[0]
        where, was, now = _first_difference(key.replace("_", " "), known.get(key), settings[key])
        raise UsageError(
            f"{folder} holds a run of other settings ({where} {was}, now {now}); name another folder with --out, or "
            "delete this one"
        )
    if not (folder / RUN).exists():
        return None
    try:
        record = RunRecord.model_validate_json((folder / RUN).read_bytes())
    except ValidationError as error:
        raise UsageError(
            f"{folder / RUN} cannot be read ({error.errors()[0]['msg']}); delete it to test the run again"
        ) from error
    if settings["audit"] is None:
        return record.model_copy(update={"attacks": []})
    return record if record.status != "done" or record.attacks else None


def _first_difference(where: str, was: Any, now: Any) -> tuple[str, str, str]:
    """Down to the field that differs, as two long tables look alike when they are cut."""
    if isinstance(was, dict) and isinstance(now, dict):
        key = next(key for key in [*now, *was] if was.get(key, _ABSENT) != now.get(key, _ABSENT))
        own = was.get(key, _ABSENT), now.get(key, _ABSENT)
        return _first_difference(f"{where}, {key.replace('_', ' ')}", *own)
    return where, _cut(was), _cut(now)


def _cut(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "not set"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
