"""Do decisions flip of which the model was sure? A part of the label flips."""

from xaiaudit.records import AttackRecord, ConfidenceBin
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Column, Table


def by_confidence(attacks: list[AttackRecord]) -> list[Block]:
    """Nothing in audits made before this was measured, and where no flips are assessable."""
    told = [a for a in attacks if a.assessable and a.confidence is not None]
    if not told or told[0].confidence is None:
        return []
    bins = told[0].confidence.bins  # by the clean images, the same for every attack
    return [
        Table(
            columns=[
                Column(title="Attack"),
                *(Column(title=_range(group), align="right") for group in bins),
                Column(title="Flipped: before", align="right"),
                Column(title="Flipped: after", align="right"),
            ],
            rows=[_row(a) for a in told],
            caption="Flip rate by confidence on the clean image, and confidence of the flipped",
            stacked=True,
            note="Confidence: 0.5 at the operating threshold, up to 1. Columns are of about "
            f"{f.count(bins[0].flips.n, 'image')} each, from least to most sure. Before and after: medians with "
            "quartiles over the flipped images, after in the new decision. No test was made of a trend.",
        )
    ]


def _range(group: ConfidenceBin) -> str:
    return f"{f.probability(group.low)} to {f.probability(group.high)}"


def _row(attack: AttackRecord) -> list[str]:
    found = attack.confidence
    if found is None:
        raise TypeError(f"{attack.id} has no flips by confidence")
    return [
        f.identifier(attack.id),
        *(f.rate(group.flips) for group in found.bins),
        f.spread(found.flipped_before, decimals=2),
        f.spread(found.flipped_after, decimals=2),
    ]
