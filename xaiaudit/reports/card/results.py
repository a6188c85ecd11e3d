"""Statistics of an audit as the evaluation results of a model card (`model-index`).

Source: huggingface/hub-docs, modelcard.md; `huggingface_hub.EvalResult` is its writer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import EvalResult

from xaiaudit.records import AttackRecord, AuditRecord, Interval, MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words

TOOL = "xaiaudit"  # `tool` in the arguments of every metric written here: by it a later run finds its own


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One statistic, named as the Hub names metrics where it does."""

    type: str
    name: str
    interval: Interval | None
    config: str | None = None  # which attack or map
    arguments: dict[str, Any] = field(default_factory=dict)


def eval_results(record: AuditRecord) -> list[EvalResult]:
    """Every statistic that was computed, values as in audit.json; what was not assessed is absent, never zero."""
    tasks = {"image-classification": _decisions(record), "image-segmentation": _outlines(record)}
    return [
        _result(record, task, metric, interval)
        for task, metrics in tasks.items()
        for metric in metrics
        if (interval := metric.interval) is not None and interval.estimate is not None
    ]


def _result(record: AuditRecord, task: str, metric: Metric, interval: Interval) -> EvalResult:
    arguments = {
        "tool": TOOL,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "images": interval.n,
        "cases": interval.cases,
        "method": interval.method,
    }
    return EvalResult(
        task_type=task,
        task_name=task.replace("-", " ").capitalize(),
        dataset_type="+".join(dict.fromkeys(dataset.kind for dataset in record.datasets)),
        dataset_name=f.listing([dataset.name for dataset in record.datasets]),
        dataset_split="; ".join(dataset.selection for dataset in record.datasets),
        metric_type=metric.type,
        metric_name=f.terminal(metric.name),
        metric_value=interval.estimate,
        metric_config=metric.config,
        metric_args={k: v for k, v in (arguments | metric.arguments).items() if v is not None},
        verified=False,  # not by the Hub's own evaluation service
    )


def _decisions(record: AuditRecord) -> Iterator[Metric]:
    if not record.checkpoint.diagnoses:
        return
    clean = record.clean
    yield Metric(type="roc_auc", name="AUC", interval=clean.auc)
    yield Metric(type="accuracy", name="Accuracy", interval=clean.accuracy)
    yield Metric(type="balanced_accuracy", name="Balanced accuracy", interval=clean.balanced_accuracy)
    yield Metric(type="recall", name="Sensitivity", interval=clean.sensitivity)
    yield Metric(type="specificity", name="Specificity", interval=clean.specificity)
    yield Metric(type="f1", name="F1", interval=clean.f1)
    for attack in record.attacks:
        yield from _under(attack, record.checkpoint.positive)
    for moved in words.same_target(record.maps):
        yield from _map(moved)
    yield from _pointing(record)


def _under(attack: AttackRecord, positive: str) -> Iterator[Metric]:
    """What an attack did to decisions; nothing where its flips say nothing."""
    told = {"attack": attack.id, "norm": attack.norm, "epsilon": attack.epsilon}
    within = "" if attack.epsilon is None else f", {words.radius(attack.norm, attack.epsilon)}"
    missed, false = words.directions(positive)
    shares: dict[str, tuple[str, Interval | None]] = {}
    if attack.assessable and attack.after_a_flip:
        shares = {
            "flip_rate": ("Label flips", attack.flips),
            "flip_rate_8bit": ("Label flips after rounding to 8 bits", attack.flips_quantised),
            "robust_accuracy": ("Robust accuracy", attack.robust_accuracy),
            "missed_positive_rate": (words.capital(missed), attack.missed_cancers),
            "false_alarm_rate": (words.capital(false), attack.false_alarms),
        }
    elif not attack.after_a_flip:
        shares = {"goal_rate": (f"Goal reached ({attack.criterion})", attack.reached)}
    for kind, (name, interval) in shares.items():
        yield Metric(
            type=kind,
            name=f"{name} under {attack.id}{within}",
            interval=interval,
            config=attack.id,
            arguments=told,
        )


def _map(moved: MapRecord) -> Iterator[Metric]:
    """Silent shift, but where no decision stood: 0 % would read as the best result."""
    if moved.silent_shift_unflipped.n:
        pair = {"attack": moved.attack_id, "explainer": moved.explainer_id}
        yield Metric(
            type="silent_shift_rate",
            name=f"Silent shift of {moved.explainer_id} under {moved.attack_id}",
            interval=moved.silent_shift,
            config=f"{moved.attack_id}, {moved.explainer_id}",
            arguments=pair,
        )


def _pointing(record: AuditRecord) -> Iterator[Metric]:
    """The maximum in the lesion, before (once an explainer) and after each attack."""
    told: set[str] = set()
    for moved in words.same_target(record.maps):
        found = next((p for p in moved.pointing if (p.region, p.extreme) == ("lesion", "maximum")), None)
        if found is None:
            continue
        states = {"clean": found.before, moved.attack_id: found.after}
        for state, interval in states.items():
            if state == "clean" and moved.explainer_id in told:
                continue
            yield Metric(
                type="pointing_game",
                name=f"Maximum of {moved.explainer_id} in the lesion, {state}",
                interval=interval,
                config=f"{state}, {moved.explainer_id}",
                arguments={
                    "explainer": moved.explainer_id,
                    "images_are": state,
                    "chance": found.chance_uniform,
                },
            )
        told.add(moved.explainer_id)


def _outlines(record: AuditRecord) -> Iterator[Metric]:
    yield Metric(type="dice", name="Dice of the outlined lesion", interval=record.clean.dice)
    yield Metric(type="iou", name="IoU of the outlined lesion", interval=record.clean.jsi)
    for item in record.outlines:
        for kind, name, interval in (
            ("dice", "Dice", item.attacked.dice),
            ("dice_drop", "Drop of Dice", item.attacked.dice_drop),
        ):
            yield Metric(
                type=kind,
                name=f"{name} under {item.attack_id}",
                interval=interval,
                config=item.attack_id,
                arguments={"attack": item.attack_id},
            )
