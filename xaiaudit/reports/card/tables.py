"""Tables of the robustness section: each rate with its interval and what it is a rate of."""

from collections.abc import Sequence

from xaiaudit.records import AttackRecord, AuditRecord, CleanRecord, Interval, MapRecord, PointingRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import markup, words

NOT_ASSESSABLE = "not assessable"
Row = list[str]


def clean(record: CleanRecord) -> str:
    """Performance before any attack."""
    rates = {
        "Accuracy": record.accuracy,
        "Balanced accuracy": record.balanced_accuracy,
        "Sensitivity": record.sensitivity,
        "Specificity": record.specificity,
    }
    values = {
        "AUC": record.auc,
        "F1": record.f1,
        "Dice of the outlined lesion": record.dice,
        "JSI (IoU) of the outlined lesion": record.jsi,
    }
    rows = [[name, f.value(v), _images(v)] for name, v in values.items() if v is not None]
    rows[1:1] = [[name, f.rate(r), _images(r)] for name, r in rates.items()]
    return _table(["Clean images", "Value (95 % interval)", "Images"], rows)


def flips(attacks: Sequence[AttackRecord], positive: str) -> str:
    """How often decisions flip under each attack that is after a flip."""
    missed, false = words.directions(positive)
    head = [
        "Attack",
        "Radius, grey levels",
        "Decisions flipped",
        "After rounding to 8 bits",
        markup.text(words.capital(missed)),
    ]
    return _table(
        [*head, markup.text(words.capital(false)), "Robust accuracy", "Images"], [_flips(a) for a in attacks]
    )


def _flips(attack: AttackRecord) -> Row:
    name, far = markup.code(attack.id), _radius(attack)
    if not attack.assessable:
        return [name, far, NOT_ASSESSABLE, *[f.DASH] * 4, str(attack.images)]
    return [name, far, *(f.rate(share) for share in words.shares(attack)), str(attack.flips.n)]


def _radius(attack: AttackRecord) -> str:
    if attack.epsilon is None:
        return f"{f.grey_levels(attack.linf.median)} (median of the {words.no_radius(attack)} found)"
    return f.grey_levels(attack.epsilon) if attack.norm == "linf" else f"L2 {f.number(attack.epsilon)}"


def silent_shifts(maps: Sequence[MapRecord]) -> str:
    """How often the decision stood while the map moved."""
    head = ["Explainer", "Attack", "Silent shift", "Of the decisions that stood", "Images"]
    return _table(head, [_silent(moved) for moved in words.same_target(maps)], names=2)


def _silent(moved: MapRecord) -> Row:
    names = [markup.code(moved.explainer_id), markup.code(moved.attack_id)]
    if not moved.silent_shift_unflipped.n:
        return [*names, "no decision stood", f.DASH, str(moved.silent_shift.n)]
    return [
        *names,
        f.rate(moved.silent_shift),
        f.rate(moved.silent_shift_unflipped),
        str(moved.silent_shift.n),
    ]


def pointing(record: AuditRecord) -> str:
    """Where the maximum of the map lies, on clean images and after each attack."""
    rows = [
        _pointing(moved, found)
        for moved in words.same_target(record.maps)
        for found in moved.pointing
        if found.extreme == "maximum" and found.region in ("lesion", "any") and found.before.n
    ]
    head = ["Explainer", "Attack", "Maximum lies in", "Clean", "Attacked", "A random point", "Images"]
    return _table(head, rows, names=3)


def _pointing(moved: MapRecord, found: PointingRecord) -> Row:
    where = "lesion, ring or posterior" if found.region == "any" else found.region
    names = [markup.code(moved.explainer_id), markup.code(moved.attack_id), where]
    return [
        *names,
        f.rate(found.before),
        f.rate(found.after),
        f.percent(found.chance_uniform),
        str(found.before.n),
    ]


def _images(interval: Interval | None) -> str:
    return f.DASH if interval is None else str(interval.n)


def _table(head: Row, rows: list[Row], names: int = 1) -> str:
    """The first `names` columns hold names, the others figures; nothing where there is no row."""
    return markup.table(head, rows, "l" * names + "r" * (len(head) - names)) if rows else ""
