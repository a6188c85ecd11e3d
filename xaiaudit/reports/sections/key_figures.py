"""The figures of the first page: a row an attack."""

from xaiaudit.records import AttackRecord, AuditRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Column, Table


def key_figures(record: AuditRecord) -> Table:
    """Before rounding to 8 bits, but for the one column that says otherwise."""
    missed, false = words.directions(record.checkpoint.positive)
    rows = [_row(record, attack) for attack in record.attacks]
    auc = record.clean.auc
    note = "In brackets: two-sided 95 % intervals that respect cases. "
    note += (
        f"AUC on clean images: {f.value(auc)}. " if auc is not None else "AUC on clean images: not assessed. "
    )
    without = [f.printable(a.id) for a in record.attacks if a.epsilon is None and a.assessable]
    if without:
        note += f"Median: of the steps found by {f.listing(without)}, where no radius is set. "
    note += "Silent shift: the decision stood and the map moved, judged before rounding by the explainer named: the "
    note += "one with the highest rate, of equal ones the first. "
    note += "A dash there: no decision stood, so that none could be seen. "
    note += f"{words.capital(missed)} and {false}: of the images decided rightly before the attack."
    return Table(
        columns=[
            Column(title="Attack", width=0.9),
            Column(title="Radius, grey levels", width=0.75, align="right"),
            Column(title="Decisions flipped", width=1.15, align="right"),
            Column(title="After rounding to 8 bits", width=1.15, align="right"),
            Column(title=words.capital(missed), width=1.15, align="right"),
            Column(title=words.capital(false), width=1.15, align="right"),
            Column(title="Robust accuracy", width=1.15, align="right"),
            Column(title="Silent shift", width=1.15, align="right"),
        ],
        rows=rows,
        caption=f"Key figures of {f.count(record.images, 'image')}, before rounding to 8 bits but for one column",
        note=note,
        stacked=True,
    )


def _row(record: AuditRecord, attack: AttackRecord) -> list[str]:
    maps = [m for m in words.same_target(record.maps) if m.attack_id == attack.id]
    # where no decision stood there was nothing to see, and 0 % would read as the best result
    judged = [m for m in maps if m.silent_shift.estimate is not None and m.silent_shift_unflipped.n]
    silent = f.DASH
    if judged:
        most = max(judged, key=lambda m: m.silent_shift.estimate or 0.0)
        silent = f"{f.rate(most.silent_shift)}\nby {f.identifier(most.explainer_id)}"
    name = f.identifier(attack.id)
    if not attack.assessable:
        return [name, _radius(attack), "not assessable", *[f.DASH] * 4, silent]
    return [name, _radius(attack), *(f.rate(share) for share in words.shares(attack)), silent]


def _radius(attack: AttackRecord) -> str:
    if attack.epsilon is None:
        return f"{f.grey_levels(attack.linf.median)} (median)"
    return f.grey_levels(attack.epsilon) if attack.norm == "linf" else f"L2 {f.number(attack.epsilon)}"
