"""What the page's table says of every image, as columns in the order of the clean rows of predictions.parquet."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import softmax

from xaiaudit.audit_files import MAP_TABLE, PREDICTION_TABLE, read_table
from xaiaudit.errors import AuditError
from xaiaudit.records import SHIFT_METRICS, AttackRecord
from xaiaudit.reports.html.values import plain
from xaiaudit.reports.reading import MAP_COLUMNS, OVERLAP_COLUMN, Audit
from xaiaudit.rows import Rows

COLUMNS = (
    "image", "dataset", "case", "label", "attack_id", "epsilon", "curve", "quantised", "logits", "decision",
    "flipped", "reached", "failed", "linf", "l2", "dice",
)  # fmt: skip
SUBGROUPS = ("device", "birads", "size")  # shown where an image has one
SHIFT_COLUMNS = (*MAP_COLUMNS, "silent_shift", "vanished")
TARGET = "same"  # maps explain the clean decision before and after, as in the PDF
Columns = dict[str, Any]


def case_columns(audit: Audit) -> Columns:
    """Every image: who it is, what was decided, and what each attack did to decision and maps.

    Raises:
        AuditError: a table is missing, lacks a column, or holds no row of an image that another has.
    """
    record = audit.record
    rows = read_table(audit.folder / PREDICTION_TABLE, COLUMNS, optional=(*SUBGROUPS, OVERLAP_COLUMN))
    clean = rows.filter(pc.field("attack_id") == "none")
    names = clean["image"].to_pylist()
    positive = record.checkpoint.classes.index(record.checkpoint.positive)
    attacks = [_attack(audit, rows, attack, names, positive) for attack in record.attacks]
    subgroups = {key: clean[key].to_pylist() for key in SUBGROUPS if key in clean.column_names}
    return {
        "image": names,
        "case": clean["case"].to_pylist(),
        "dataset": clean["dataset"].to_pylist(),
        "label": clean["label"].to_pylist(),
        "subgroups": {key: values for key, values in subgroups.items() if any(values)},
        "decision": clean["decision"].to_pylist(),
        "probability": _probability(clean, positive),
        "dice": plain(Rows(clean).floats("dice")),
        "attacks": attacks,
        "shifts": _shifts(audit, names),
    }


def in_order(rows: pa.Table, names: list[str], where: str) -> pa.Table:
    """`rows`, one an image, in the order of `names`.

    Raises:
        AuditError: they are not of the same images.
    """
    place = {name: row for row, name in enumerate(rows["image"].to_pylist())}
    missing = next((name for name in names if name not in place), None)
    if missing is not None or rows.num_rows != len(names):
        what = (
            f"no row of {missing}" if missing is not None else f"{rows.num_rows} rows of {len(names)} images"
        )
        raise AuditError(f"{where} holds {what}; restore the folder or run the audit again")
    return rows.take([place[name] for name in names])


def _attack(audit: Audit, rows: pa.Table, attack: AttackRecord, names: list[str], positive: int) -> Columns:
    own = rows.filter(pc.field("attack_id") == attack.id)
    main = own.filter(~pc.field("curve"))
    where = f"{audit.folder / PREDICTION_TABLE} under {attack.id}"
    before, after = (
        in_order(main.filter(pc.field("quantised") == rounded), names, where) for rounded in (False, True)
    )
    return {
        "decision": before["decision"].to_pylist(),
        "flipped": before["flipped"].to_pylist(),
        "failed": before["failed"].to_pylist(),
        "rounded": after["decision"].to_pylist(),
        "roundedFlipped": after["flipped"].to_pylist(),
        "probability": _probability(before, positive),
        "linf": plain(Rows(before).floats("linf")),
        "l2": plain(Rows(before).floats("l2")),
        "dice": plain(Rows(before).floats("dice")),
        "overlap": plain(Rows(before).floats(OVERLAP_COLUMN))
        if OVERLAP_COLUMN in before.column_names
        else None,
        "radius": _smallest_radius(own, before, attack, names),
    }


def _probability(rows: pa.Table, positive: int) -> list[float | None]:
    """Of the positive class, from the logits."""
    return plain(softmax(Rows(rows).stacked("logits").astype(np.float64), axis=1)[:, positive])


def _smallest_radius(
    own: pa.Table, before: pa.Table, attack: AttackRecord, names: list[str]
) -> list[float | None]:
    """The smallest radius that reached the goal, in the attack's norm: of the curve, or the step of a minimum-norm
    attack. None where none did, or no radius was varied."""
    if attack.epsilon is None:
        steps = np.where(Rows(before).flags("reached"), Rows(before).floats(attack.norm), np.nan)
        return plain(steps)
    tried = own.filter(pc.field("curve") & pc.field("reached") & ~pc.field("quantised"))
    least = tried.group_by("image").aggregate([("epsilon", "min")])
    found = dict(zip(least["image"].to_pylist(), least["epsilon_min"].to_pylist(), strict=True))
    return plain(found.get(name, np.nan) for name in names)


def _shifts(audit: Audit, names: list[str]) -> list[list[Columns]]:
    """Of every attack and explainer, how the map of each image moved."""
    rows = read_table(audit.folder / MAP_TABLE, SHIFT_COLUMNS, pc.field("target") == TARGET)
    return [
        [
            _shift(rows, attack.id, explainer.id, names, f"{audit.folder / MAP_TABLE} under {attack.id}")
            for explainer in audit.record.explainers
        ]
        for attack in audit.record.attacks
    ]


def _shift(rows: pa.Table, attack: str, explainer: str, names: list[str], where: str) -> Columns:
    chosen = (pc.field("attack_id") == attack) & (pc.field("explainer_id") == explainer)
    own = in_order(rows.filter(chosen), names, f"{where} by {explainer}")
    return {
        "silent": own["silent_shift"].to_pylist(),
        "vanished": own["vanished"].to_pylist(),
        **{metric: plain(Rows(own).floats(metric)) for metric in SHIFT_METRICS},
    }
