"""Every statistic of an audit under a name of its own, as trackers of experiments keep them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from xaiaudit.records import (
    AttackRecord,
    AuditRecord,
    CurvePoint,
    DetectionRecord,
    Distribution,
    Interval,
    MapRecord,
    Record,
    SubgroupAttack,
)
from xaiaudit.reports import format as f

ROOT = "audit"
LONGEST = 60  # characters of one part of a name; MLflow takes 250 of the whole
_KEYS = (
    "attribute",
    "value",
    "outcome",
    "attack_id",
    "id",
    "change_id",
    "explainer_id",
    "target",
    "region",
    "extreme",
    "metric",
    "regions",
    "score",
)
_NUMBERS = (  # beside intervals and medians
    "failed", "never_flipped", "vanished", "undefined_before", "undefined_after", "chance_uniform", "chance_shuffled",
    "mcnemar_p", "mcnemar_holm", "false_marks", "lesions", "unknown",
)  # fmt: skip
_OF_FLIPS = "flips|from_|missed|false|robust|mcnemar|curve|lost|never|smallest|confidence"


def statistics(record: AuditRecord) -> dict[str, float]:
    """Name to value; names are parts of letters, digits, `_`, `-` and `.`, joined by `/`, as MLflow allows them.

    An interval gives its estimate and, with `_low` and `_high` after the name, its bounds; of a distribution stands the
    median (the rest is in audit.json). What was not computed, or says nothing, is absent: flips of an attack that is
    not assessable, silent shifts where no decision stood.
    """
    says_nothing = _says_nothing(record.attacks)
    found = {name: value for name, value in _walk(ROOT, record) if not says_nothing(name)}
    found[f"{ROOT}/images"] = float(record.images)
    found[f"{ROOT}/left_out"] = float(len(record.left_out))
    if record.leak.assessed:
        found[f"{ROOT}/leak"] = float(len(record.leak.found))
    for status in ("passed", "failed", "not assessable"):
        name = f"{ROOT}/self-checks/{part(status)}"
        found[name] = float(sum(check.status == status for check in record.checks))
    return found


def _walk(name: str, node: object) -> Iterator[tuple[str, float]]:
    if isinstance(node, Interval):
        yield from _present({name: node.estimate, f"{name}_low": node.low, f"{name}_high": node.high})
    elif isinstance(node, Distribution):
        around, name = node.median_interval, f"{name}/median"
        yield from _present({name: node.median})
        if around is not None:
            yield from _present({f"{name}_low": around.low, f"{name}_high": around.high})
    elif isinstance(node, Record):
        for field, value in _fields(node):
            if field in _NUMBERS and isinstance(value, int | float):
                yield f"{name}/{field}", float(value)
            yield from _walk(f"{name}/{part(field)}", value)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _walk(f"{name}/{part(key)}", value)
    elif isinstance(node, list):
        records = [item for item in node if isinstance(item, Record)]
        for key, item in zip(_distinct([_key(item) for item in records]), records, strict=True):
            yield from _walk(f"{name}/{key}" if key else name, item)


def _present(values: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if value is not None)


def _says_nothing(attacks: Sequence[AttackRecord]) -> Callable[[str], bool]:
    """Whether a name is of flips, or of a goal, that cannot be assessed: of all images or of a subgroup."""
    flips = [f"{part(attack.id)}/({_OF_FLIPS})" for attack in attacks if not attack.assessable]
    goals = [f"{part(attack.id)}/reached" for attack in attacks if not attack.goal_assessable]
    pattern = re.compile(f"/attacks/({'|'.join(flips + goals)})")
    return lambda name: bool(flips) and pattern.search(name) is not None


def _fields(record: Record) -> Iterator[tuple[str, object]]:
    """Without silent shifts where no decision stood, which would read as the best result."""
    none_stood = (isinstance(record, MapRecord) and not record.silent_shift_unflipped.n) or (
        isinstance(record, SubgroupAttack) and record.flips.estimate == 1
    )
    for field, value in record:
        if none_stood and field.startswith("silent_shift"):
            continue
        if isinstance(record, DetectionRecord) and field == "froc":
            continue  # thousands of points, which audit.json holds
        if isinstance(record, AttackRecord) and field == "curve":
            yield field, {_radius(record, point): point for point in record.curve}
        else:
            yield field, value


def _radius(attack: AttackRecord, point: CurvePoint) -> str:
    return (
        f"l2_{point.epsilon:.4g}" if attack.norm == "l2" else f"{f.grey_levels(point.epsilon, 4)}_grey_levels"
    )


def _key(item: Record) -> str:
    """What tells records of one list apart."""
    said = [getattr(item, key) for key in _KEYS if isinstance(getattr(item, key, None), str)]
    return "/".join(part(value) for value in said)


def _distinct(keys: Sequence[str]) -> list[str]:
    """With a number where several are alike, or one would be empty among several."""
    return [
        key if keys.count(key) == 1 and (key or len(keys) == 1) else f"{key}/{number}".lstrip("/")
        for number, key in enumerate(keys)
    ]


def part(text: object) -> str:
    """`text` as a part of a name that MLflow allows."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", str(text))[:LONGEST].strip(".") or "_"
