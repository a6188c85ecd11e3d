"""Audits made of columns alone, as the gate reads them: no model, no images, no statistics but what the gate asks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xaiaudit.attacks.defaults import whole
from xaiaudit.audit_files import table_digests
from xaiaudit.gate.audited import HITS, Audited
from xaiaudit.metrics import flips
from xaiaudit.records import (
    SCHEMA,
    SECOND_SWEEP,
    AttackRecord,
    AuditRecord,
    ChangeRecord,
    CheckpointRecord,
    CleanRecord,
    Distribution,
    Environment,
    ExplainerRecord,
    Interval,
    LeakRecord,
    RegionCoverage,
    SelfCheckRecord,
    VariabilityRecord,
)
from xaiaudit.types import plain

CLASSES = ["benign", "malignant"]
NONE = Interval(estimate=None, low=None, high=None, n=0, cases=0, method="not computed")
NOTHING = Distribution(n=0, median=None, q1=None, q3=None, maximum=None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """What one audit found, (n,) each."""

    case: Sequence[Any]
    label: np.ndarray  # 0 benign, 1 malignant, -1 none
    margin: np.ndarray  # in logits; malignant from 0 on
    flipped: Mapping[str, np.ndarray] = field(default_factory=dict)  # by attack
    failed: Mapping[str, np.ndarray] = field(
        default_factory=dict
    )  # by attack: it could not go on; none: nowhere
    silent: Mapping[str, np.ndarray] = field(default_factory=dict)  # by attack; NaN: clean map undefined
    hit: np.ndarray | None = None  # the maximum lies in lesion, ring or posterior region; NaN: not known
    swept: np.ndarray | None = None  # decision changed by the second sweep
    swept_silent: np.ndarray | None = None
    sha256: Sequence[str] | None = None
    subgroups: Mapping[str, Sequence[str | None]] = field(default_factory=dict)


def make(
    columns: Columns,
    attacks: Mapping[str, dict[str, Any]],
    name: str = "made",
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Audited:
    """An audit in memory; `changes` replace fields of its record.

    Args:
        attacks: of each id the parameters that are named, as in {"fgsm": {"epsilon": 1 / 255}}.
    """
    n = len(columns.label)
    images = {
        "image": [f"{number}.png" for number in range(n)],
        "sha256": list(columns.sha256 or map(str, range(n))),
        "case": [str(case) for case in columns.case],
    }
    sweeps = None if columns.swept is None else pa.table(images | _sweep(columns))
    record = _record(columns, attacks, swept=sweeps is not None).model_copy(update=dict(changes))
    return Audited(
        name=name,
        sha256=hashlib.sha256(record.model_dump_json(indent=1).encode()).hexdigest(),
        record=record,
        predictions=pa.concat_tables(
            [
                pa.table(images | part)
                for attack in ("none", *attacks)
                for part in _predictions(columns, attack)
            ]
        ),
        maps=pa.concat_tables([pa.table(images | part) for part in _maps(columns, attacks)]),
        sweeps=sweeps,
    )


def write(audited: Audited, folder: Path) -> Path:
    """As a folder that the gate can read."""
    folder.mkdir(parents=True)
    pq.write_table(audited.predictions, folder / "predictions.parquet")
    pq.write_table(audited.maps, folder / "maps.parquet")
    if audited.sweeps is not None:
        pq.write_table(audited.sweeps, folder / "acquisition.parquet")
    record = audited.record.model_copy(update={"tables": table_digests(folder, audited.record)})
    (folder / "audit.json").write_text(record.model_dump_json(indent=1))
    return folder


def _names(indices: np.ndarray) -> list[str | None]:
    return [None if index < 0 else CLASSES[index] for index in indices]


def _predictions(columns: Columns, attack: str) -> list[dict[str, Any]]:
    n, clean = len(columns.label), columns.margin >= 0
    flipped = np.zeros(n, bool) if attack == "none" else columns.flipped[attack]
    rows = {
        "dataset": ["made"] * n,
        "label": pa.array(_names(columns.label), pa.string()),
        "attack_id": [attack] * n,
        "curve": np.zeros(n, bool),
        "applicable": np.ones(n, bool),
        "logits": [[0.0, margin] for margin in columns.margin],
        "decision": _names((clean ^ flipped).astype(int)),
        "flipped": flipped,
        "reached": flipped,
        "failed": columns.failed.get(attack, np.zeros(n, bool)),
        "dice": pa.nulls(n, pa.float64()),
        **columns.subgroups,
    }
    return [
        rows | {"quantised": np.full(n, rounded)}
        for rounded in ([False] if attack == "none" else [False, True])
    ]


def _maps(columns: Columns, attacks: Mapping[str, Any]) -> list[dict[str, Any]]:
    n = len(columns.label)
    defined = np.ones(n, bool)
    for silent in columns.silent.values():
        defined &= np.isfinite(silent)
    unknown = np.full(n, np.nan)
    parts = []
    for attack in ("none", *attacks):
        silent = columns.silent.get(attack, unknown)
        parts.append(
            {
                "attack_id": [attack] * n,
                "explainer_id": ["grad-cam"] * n,
                "target": ["own" if attack == "none" else "same"] * n,
                "defined": defined,
                "vanished": np.zeros(n, bool),
                "silent_shift": pa.array([None if np.isnan(value) else bool(value) for value in silent], pa.bool_()),
                **{
                    name: columns.hit if name == "maximum_in_any" and columns.hit is not None else unknown
                    for name in HITS
                },
            }
        )  # fmt: skip
    return parts


def _sweep(columns: Columns) -> dict[str, Any]:
    n = len(columns.label)
    silent = np.zeros(n) if columns.swept_silent is None else columns.swept_silent
    return {
        "change_id": [SECOND_SWEEP] * n,
        "explainer_id": ["grad-cam"] * n,
        "flipped": columns.swept,
        "silent_shift": silent.astype(bool),
    }


def _record(columns: Columns, attacks: Mapping[str, dict[str, Any]], *, swept: bool) -> AuditRecord:
    n, decisions = len(columns.label), (columns.margin >= 0).astype(int)
    return AuditRecord(
        schema_version=SCHEMA,
        xaiaudit="0",
        created="2026-01-01T00:00:00+00:00",
        seconds=0.0,
        command=[],
        seed=0,
        batch_size=32,
        batch_size_retries=[],
        shards=1,
        search=["one machine"],
        environment=Environment(
            python="3", platform="any", device="cpu", threads=1, precision="float32", versions={}
        ),
        checkpoint=_checkpoint(),
        datasets=[],
        images=n,
        left_out=[],
        warnings=[],
        leak=LeakRecord(assessed=True, reason="", exact=[], near=[]),
        clean=CleanRecord(images=n, auc=None, accuracy=None, balanced_accuracy=None, sensitivity=None,
                          specificity=None, dice=None, confusion=[], roc=[], decision_shares={}),
        attacks=[_attack(name, named, n, flips.assessable(decisions)) for name, named in attacks.items()],
        checks=[SelfCheckRecord(attack_id=None, name="outputs are repeatable", status="passed", words="", figures={})],
        explainers=[ExplainerRecord(id="grad-cam", name="grad-cam", layer="last", grid=(7, 7), signed=False,
                                    parameters={"layer": None})],
        maps=[],
        variability=_variability() if swept else None,
        regions=RegionCoverage(ring_mm=5.0, calibrated=n, relative=0, without_lesion=0),
        gallery=[],
        keep_ids=False,
    )  # fmt: skip


def _checkpoint() -> CheckpointRecord:
    return CheckpointRecord(path="model.pt", sha256="0" * 64, format="pt", loaded="weights only", architecture="made",
                            arguments={}, parameters=1, classes=CLASSES, positive="malignant", one_logit=False,
                            threshold=0.5, preprocessing={"size": 224, "mode": "pad"}, cam_layer=None,
                            training={})  # fmt: skip


def _attack(name: str, named: dict[str, Any], n: int, assessable: bool) -> AttackRecord:
    parameters = plain(whole(name.partition("+")[0], named))
    return AttackRecord(
        id=name, name=name.partition("+")[0], summary="", parameters=parameters, norm="linf",
        epsilon=parameters.get("epsilon"), steps=25, step_size=None, random_start=False,
        criterion="leave the clean decision", criterion_name="leave-decision", criterion_parameters={}, applicable=n,
        reached=NONE, reached_quantised=NONE, broken_by={}, assessable=assessable,
        why_not="" if assessable else "the model gives one decision to over 95 % of the clean images", images=n,
        flips=NONE, flips_quantised=NONE, flips_by_rounding_alone=0, lost_in_rounding=0, robust_accuracy=None,
        robust_balanced_accuracy=None, missed_cancers=None, false_alarms=None, from_positive=NONE, from_negative=NONE,
        failed=0, linf=NOTHING, l2=NOTHING, smallest_radius=None, never_flipped=0, curve=[], curve_note="",
        dice_after=None, dice_drop=None, mcnemar_p=None, forwards=0, backwards=0,
    )  # fmt: skip


def _variability() -> VariabilityRecord:
    from xaiaudit.acquisition.registry import CHANGES, change, settings

    changes = [ChangeRecord(id=name, name=name, summary="", parameters=plain(settings(change(name))),
                            decisions_changed=NONE) for name in CHANGES]  # fmt: skip
    sweep = ChangeRecord(
        id=SECOND_SWEEP, name=SECOND_SWEEP, summary="", parameters={}, decisions_changed=NONE
    )
    return VariabilityRecord(changes=[*changes, sweep], shifts=[], multiples=[])
