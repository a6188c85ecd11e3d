"""What a run leaves: a row for each test image, and the figures of its fold."""

from typing import Any

import numpy as np

from xaiaudit.benchmark_record import SCHEMA, AttackFigures, RunRecord, ShiftFigures, Status
from xaiaudit.benchmarking.images import Images
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.benchmarking.unit import Unit, training_seed
from xaiaudit.functional import decision
from xaiaudit.metrics.classification import positive_scores
from xaiaudit.models import AuditedModel
from xaiaudit.models.registry import makes_diagnosis
from xaiaudit.records import AttackRecord, AuditRecord, MapRecord
from xaiaudit.training import Predictions
from xaiaudit.training.material import Material
from xaiaudit.training.provenance import versions
from xaiaudit.version import __version__


def attack_figures(record: AuditRecord) -> list[AttackFigures]:
    """Of each attack of an audit."""
    return [
        AttackFigures(
            attack_id=attack.id,
            summary=attack.summary,
            epsilon=attack.epsilon,
            assessable=attack.assessable,
            why_not=attack.why_not,
            flips=attack.flips,
            after_a_flip=attack.after_a_flip,
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


def prediction_rows(
    unit: Unit, images: Images, material: Material, predictions: Predictions
) -> list[dict[str, Any]]:
    """Of predictions.parquet, one a test image."""
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


def run_record(
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
    """Of a finished run, before its audit, or of one that was stopped and left no model."""
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
        outlines_only=not makes_diagnosis(unit.configuration.architecture),
        clean=None if predictions is None else predictions.record(),
        attacks=[],
        versions=versions(),
    )
