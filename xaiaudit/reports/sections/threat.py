"""Against whom: what an attacker knows, what may change and by how much, in grey levels."""

from xaiaudit.records import AttackRecord, AuditRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Facts, Section, Table, Text
from xaiaudit.reports.reading import Audit

TITLE = "Threat model"
ASKS_ONLY = ("square", "noise")  # attacks of ours that see logits and no gradient


def threat(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = [
        Text(
            text="An attacker who holds the image on its way into the model, and wants another decision or another "
            "map. It is the worst case that a computer finds, not what happens by chance; for that, see the simulated "
            "second sweep."
        ),
        Facts(rows=_terms(record), mono=[]),
        _threat(record),
    ]
    return Section(title=TITLE, blocks=blocks)


def _terms(record: AuditRecord) -> list[tuple[str, str]]:
    white = [f.printable(a.id) for a in record.attacks if _knows(a) == "white box"]
    black = [f.printable(a.id) for a in record.attacks if _knows(a) == "black box"]
    other = [f.printable(a.id) for a in record.attacks if _knows(a) == "by its own definition"]
    knows = []
    if white:
        knows.append(f"white box, with weights, gradients and preprocessing: {f.listing(white)}")
    if black:
        knows.append(f"black box, asks the model for its outputs alone: {f.listing(black)}")
    if other:
        knows.append(f"as its package defines it, gradients or outputs: {f.listing(other)}")
    return [
        ("Knows", "; ".join(knows) or "no attack was made"),
        ("May change", "the grey image, every pixel by itself, and nothing else: neither label nor weights"),
        ("May not change", "padding around the image, and channels that the model is given beside it"),
        ("Stays within", "grey levels 0 to 255, and the radius of the table below"),
        ("Works on", f"the image at the network’s size{_size(record)}, not on the stored file: no attack went through "
         "the resize, and nothing is claimed about full-size files"),
        ("8 bits", "what is found is judged as found, and again after rounding to whole grey levels at that size; what "
         "dies in rounding could not be stored"),
    ]  # fmt: skip


def _knows(attack: AttackRecord) -> str:
    if attack.name.startswith("art:"):
        return "by its own definition"
    return "black box" if attack.name in ASKS_ONLY else "white box"


def _size(record: AuditRecord) -> str:
    size = record.checkpoint.preprocessing.get("size")
    return f" ({f.printable(size)} × {f.printable(size)} pixels)" if size is not None else ""


def _threat(record: AuditRecord) -> Table:
    return Table(
        columns=[
            Column(title="Attack", width=0.8),
            Column(title="In words", width=3.4),
            Column(title="Norm", width=0.5),
            Column(title="Radius in [0, 1]", width=0.75, align="right"),
            Column(title="Radius, grey levels", width=0.75, align="right"),
            Column(title="Steps", width=0.5, align="right"),
            Column(title="Step, grey levels", width=0.75, align="right"),
            Column(title="Start", width=0.7),
        ],
        rows=[_threat_row(attack) for attack in record.attacks],
        caption="The attacks",
        note=_criteria(record.attacks),
    )


def _criteria(attacks: list[AttackRecord]) -> str:
    goals: dict[str, list[str]] = {}
    for attack in attacks:
        goals.setdefault(attack.criterion, []).append(f.printable(attack.id))
    stated = "; ".join(f"{f.printable(goal)} ({f.listing(ids)})" for goal, ids in goals.items())
    return f"Goal: {stated}. One grey level is 1/255 of the intensity range [0, 1]."


def _threat_row(attack: AttackRecord) -> list[str]:
    linf = attack.norm == "linf"
    return [
        f.identifier(attack.id),
        f.printable(attack.summary),
        "L∞" if linf else "L2",
        f.number(attack.epsilon) if attack.epsilon is not None else words.no_radius(attack),
        f.grey_levels(attack.epsilon) if linf else f.DASH,
        str(attack.steps),
        f.grey_levels(attack.step_size) if linf else f.DASH,
        "random" if attack.random_start else "image",
    ]
