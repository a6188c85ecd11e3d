"""The goals against a detector: hide, flip, move and invent, by each attack at its radius."""

from collections.abc import Sequence

from xaiaudit.records import AttackRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Column, Table
from xaiaudit.reports.detection_words import GOALS


def box_goals(attacks: Sequence[AttackRecord]) -> list[Block]:
    """A table; nothing without an attack."""
    rows: list[list[str]] = []
    ordered = sorted(attacks, key=_place)
    for goal in dict.fromkeys((a.criterion_name, a.criterion) for a in ordered):
        rows.append([_head(*goal)])
        rows += [_row(a) for a in ordered if (a.criterion_name, a.criterion) == goal]
    return [_table(rows)] if rows else []


def _place(attack: AttackRecord) -> tuple[int, str, str, float]:
    """By goal, then by attack, then by radius."""
    goals = list(GOALS)
    goal = goals.index(attack.criterion_name) if attack.criterion_name in goals else len(goals)
    return goal, attack.criterion, attack.name, attack.epsilon or 0.0


def _head(name: str, criterion: str) -> str:
    """The criterion in words, after what the goal is called where they do not begin so."""
    said, called = f.printable(criterion), GOALS.get(name)
    if called is None or said.lower().startswith(called.lower()):
        return words.capital(said)
    return f"{called}: {said}"


def _row(attack: AttackRecord) -> list[str]:
    name = [f.identifier(attack.id), _radius(attack), str(attack.applicable)]
    if not attack.goal_assessable:
        return [*name, f.DASH, "not assessable", f.DASH]
    return [
        *name,
        f.DASH if attack.reached.estimate is None else f.hits(attack.reached),
        f.rate(attack.reached),
        f.rate(attack.reached_quantised),
    ]


def _radius(attack: AttackRecord) -> str:
    return (
        words.radius(attack.norm, attack.epsilon) if attack.epsilon is not None else words.no_radius(attack)
    )


def _table(rows: list[list[str]]) -> Table:
    return Table(
        columns=[
            Column(title="Attack", width=1.2),
            Column(title="Radius", width=0.9),
            Column(title="Applies to, images", width=0.7, align="right"),
            Column(title="Reached, images", width=0.7, align="right"),
            Column(title="Goal reached", width=1.2, align="right"),
            Column(title="After rounding to 8 bits", width=1.2, align="right"),
        ],
        rows=rows,
        caption="Goals against the boxes and the decision, by each attack",
        note="Judged on the boxes as the detector draws them, after suppression. Rates are of the images that a goal "
        "applies to: hide, a lesion that a box found on the clean image; move, a box that counted there; invent, no "
        "lesion and no box that counted. In brackets: 95 % intervals by case."
        + f.dashes([row for row in rows if len(row) > 1], "it applies to no image, or says nothing"),
    )
