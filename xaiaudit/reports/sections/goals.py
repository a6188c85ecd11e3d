"""What attacks were after beyond the decision, and which of a set broke what."""

from xaiaudit.records import AttackRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Column, Table


def goals(attacks: list[AttackRecord], *, draws_boxes: bool) -> list[Block]:
    """Tables, where there is something to tell: other goals (a detector's have a section), sets of attacks."""
    blocks: list[Block] = []
    if not draws_boxes and any(not attack.after_a_flip for attack in attacks):
        blocks.append(_reached(attacks))
    if sets := [attack for attack in attacks if attack.broken_by]:
        blocks.append(_members(sets))
    return blocks


def _reached(attacks: list[AttackRecord]) -> Table:
    return Table(
        columns=[
            Column(title="Attack", width=1.2),
            Column(title="Goal", width=2.2),
            Column(title="Applies to, images", width=0.7, align="right"),
            Column(title="Goal reached", width=1.2, align="right"),
            Column(title="After rounding to 8 bits", width=1.2, align="right"),
        ],
        rows=[
            [
                f.identifier(attack.id),
                f.printable(attack.criterion),
                str(attack.applicable),
                f.rate(attack.reached),
                f.rate(attack.reached_quantised),
            ]
            for attack in attacks
        ],
        caption="What each attack was after",
        note="Rates are of the images that the goal applies to; the others were left alone. An image that fulfils a "
        "goal when clean counts as reached.",
    )


def _members(attacks: list[AttackRecord]) -> Table:
    return Table(
        columns=[
            Column(title="Set"),
            Column(title="Broken by"),
            Column(title="Images", align="right"),
        ],
        rows=[
            [f.identifier(attack.id), f.identifier(name), str(count)]
            for attack in attacks
            for name, count in attack.broken_by.items()
        ],
        caption="Which attack of a set broke how many images",
        note="In the order of their cost; an image that one attack broke is not attacked by the next.",
    )
