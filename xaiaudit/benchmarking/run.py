"""One run: train on the other folds, test on one, audit it. It goes on where it was killed, and is kept when done."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from xaiaudit.auditing.api import audit
from xaiaudit.auditing.parquet import write_table
from xaiaudit.benchmark_record import (
    PREDICTIONS,
    SCHEMA,
    AttackFigures,
    RunRecord,
    ShiftFigures,
    Status,
)
from xaiaudit.benchmarking.configurations import Configuration
from xaiaudit.benchmarking.images import Images
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.errors import NumericalError, TrainingError, UsageError
from xaiaudit.functional import decision
from xaiaudit.metrics.classification import positive_scores
from xaiaudit.models import AuditedModel, load
from xaiaudit.models.foreign import ForeignOptions
from xaiaudit.models.registry import is_factory, outlines_only
from xaiaudit.records import LEAVE_DECISION, AttackRecord, AuditRecord, MapRecord
from xaiaudit.training import Predictions, Progress, Recipe, evaluate, train
from xaiaudit.training.material import Material
from xaiaudit.training.provenance import versions
from xaiaudit.types import plain
from xaiaudit.version import __version__
from xaiaudit.writing import write_atomically

RUN, SETTINGS, MODEL, TABLE, AUDIT = "run.json", "settings.json", "model.pt", "predictions.parquet", "audit"


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


def run(
    unit: Unit,
    images: Images,
    plan: Plan,
    folder: Path,
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> RunRecord:
    """Do what is left of one run and return its record, which stands in run.json.

    A run whose training diverges, or ends in a model of one class, is recorded as such with its reason.

    Raises:
        UsageError: the folder holds a run of other settings.
    """
    settings = run_settings(unit, images, plan)
    if (done := finished_record(folder, settings, plan)) is not None:
        return done
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / SETTINGS, json.dumps(settings, indent=1).encode())
    material = images.material(unit.configuration.preprocessing, unit.repeat, unit.fold)
    try:
        model = _trained(unit, material, plan, images, folder / MODEL, device, progress)
    except (NumericalError, TrainingError) as error:
        (folder / f"{MODEL}.training").unlink(missing_ok=True)
        status: Status = "diverged" if isinstance(error, NumericalError) else "refused"
        record = _record(unit, images, plan, material, status=status, reason=str(error).split("; ")[0])
    else:
        if outlines_only(unit.configuration.architecture):
            material = material.by_lesion()
        predictions = evaluate(
            model, material.part(material.split.test), cases=material.cases(material.split.test)
        )
        rows = _rows(unit, images, material, predictions)
        write_table(folder / TABLE, pa.Table.from_pylist(rows, schema=PREDICTIONS))
        record = _record(unit, images, plan, material, model=model, predictions=predictions)
        if plan.audit is not None:
            record = record.model_copy(
                update={"attacks": _figures(_audited(model, material, plan, folder / AUDIT))}
            )
    write_atomically(folder / RUN, record.model_dump_json(indent=1).encode())
    return record


def run_settings(unit: Unit, images: Images, plan: Plan) -> dict[str, Any]:
    """All that decides the numbers of a run. Two that agree are the same run."""
    configuration, default = unit.configuration, asdict(Recipe())
    weights = Path(configuration.weights)
    settings = {
        "architecture": configuration.architecture,
        "weights": configuration.weights,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else None,
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


def finished_record(folder: Path, settings: dict[str, Any], plan: Plan) -> RunRecord | None:
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
        raise UsageError(
            f"{folder} holds a run of other settings ({key.replace('_', ' ')} {_cut(known.get(key))}, now "
            f"{_cut(settings[key])}); name another folder with --out, or delete this one"
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


def _trained(
    unit: Unit,
    material: Material,
    plan: Plan,
    images: Images,
    path: Path,
    device: str,
    progress: Progress | None,
) -> AuditedModel:
    """The model of this run, trained unless its checkpoint is there."""
    configuration = unit.configuration
    if not path.exists():
        train(
            configuration.architecture,
            material,
            path,
            weights=configuration.weights,
            arguments=configuration.arguments,
            positive=images.table.positive,
            preprocessing=configuration.preprocessing,
            recipe=configuration.recipe,
            seed=training_seed(unit, plan),
            normals=images.table.normals,
            device=device,
            progress=progress,
        )
    # the file of the benchmark names a factory of the user's own, so that its code may run
    own = ForeignOptions(arch=configuration.architecture) if is_factory(configuration.architecture) else None
    return load(path, device=device, foreign=own)


def _audited(model: AuditedModel, material: Material, plan: Plan, out: Path) -> AuditRecord:
    assert plan.audit is not None
    if (out / "audit.json").exists():
        return AuditRecord.model_validate_json((out / "audit.json").read_bytes())
    record = audit(
        model,
        material.dataset.subset(material.split.test, material.split.words.split(":")[0]),
        plan.audit.methods,
        plan.audit.explainers,
        criteria=(LEAVE_DECISION,),  # of every model alike, for flips are what is compared
        acquisition=(),
        out=out,
        resume=(out / "plan.json").exists(),
        seed=plan.seed,
        limit=plan.audit.limit,
        curve=plan.audit.curve,
        checks=plan.audit.checks,
        gallery=0,
    )
    assert record is not None  # no shard was asked for
    return record


def _figures(record: AuditRecord) -> list[AttackFigures]:
    return [
        AttackFigures(
            attack_id=attack.id,
            summary=attack.summary,
            epsilon=attack.epsilon,
            assessable=attack.assessable,
            why_not=attack.why_not,
            flips=attack.flips,
            robust_accuracy=attack.robust_accuracy,
            shifts=[_shift(item) for item in record.maps if _of(item, attack)],
        )
        for attack in record.attacks
    ]


def _of(item: MapRecord, attack: AttackRecord) -> bool:
    return item.attack_id == attack.id and item.target == "same"


def _shift(item: MapRecord) -> ShiftFigures:
    return ShiftFigures(
        explainer_id=item.explainer_id,
        silent_shift=item.silent_shift,
        mass_centre=item.shift["mass_centre_diagonal"],
    )


def _rows(unit: Unit, images: Images, material: Material, predictions: Predictions) -> list[dict[str, Any]]:
    scores = positive_scores(
        predictions.logits.astype(np.float64), predictions.positive, predictions.threshold
    )
    decided = decision(predictions.logits, predictions.threshold)
    return [
        {
            "dataset": images.table.name,
            "configuration": unit.configuration.name,
            "repeat": unit.repeat,
            "fold": unit.fold,
            "image": predictions.names[place],
            "sha256": material.samples[row].sha256,
            "case": images.case_numbers[predictions.cases[place]],
            "label": material.samples[row].label,
            "logits": predictions.logits[place].tolist(),
            "score": float(scores[place]),
            "decision": predictions.classes[int(decided[place])],
            "dice": None if predictions.dice is None else _known(predictions.dice[place]),
            "box_jsi": None if predictions.box_jsi is None else _known(predictions.box_jsi[place]),
        }
        for place, row in enumerate(material.split.test)
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _record(
    unit: Unit,
    images: Images,
    plan: Plan,
    material: Material,
    *,
    model: AuditedModel | None = None,
    predictions: Predictions | None = None,
    status: Status = "done",
    reason: str = "",
) -> RunRecord:
    told: dict[str, Any] = model.info.training if model is not None and model.info is not None else {}
    history = told.get("history", [])
    return RunRecord(
        schema_version=SCHEMA,
        xaiaudit=__version__,
        dataset=str(images.table.name),
        configuration=unit.configuration.name,
        repeat=unit.repeat,
        fold=unit.fold,
        seed=training_seed(unit, plan),
        status=status,
        reason=reason,
        split=material.split.words,
        epochs=len(history) or None,
        best_epoch=max((epoch["number"] for epoch in history if epoch["best"]), default=None),
        seconds=sum(epoch["seconds"] for epoch in history) if history else None,
        parameters=None if model is None else sum(weight.numel() for weight in model.net.parameters()),
        threshold=None if model is None else model.threshold,
        classes=[] if model is None else list(model.classes),
        positive="" if model is None else model.classes[model.positive],
        clean=None if predictions is None else predictions.record(),
        attacks=[],
        versions=versions(),
    )


def _cut(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
