"""Label flips: how often, in which direction, and what rounding to 8 bits leaves of them."""

from xaiaudit.metrics.power import sample_size
from xaiaudit.records import AttackRecord, Interval
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Points, Section, Table, Text
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.confidence import by_confidence
from xaiaudit.reports.sections.goals import goals

_RATE = 1.15


def flips(audit: Audit, canvas: Canvas) -> Section:
    attacks, positive = audit.record.attacks, audit.record.checkpoint.positive
    blocks: list[Block] = [
        Text(
            text="A label flip is a decision after the attack that differs from the decision on the clean "
            "image, right or wrong. Robust accuracy counts images that are right when clean and after the "
            "attack."
        ),
        _rates(attacks),
        *_sample_sizes(attacks),
        _directions(attacks, positive),
        *by_confidence(attacks),
        _counts(attacks),
    ]
    if refused := words.refusals(attacks):
        blocks.append(Points(items=refused))
    blocks += goals(attacks, draws_boxes=audit.record.clean.detection is not None)
    return Section(title="Label flips", blocks=blocks)


def _cell(attack: AttackRecord, rate: Interval | None) -> str:
    return f.rate(rate) if attack.assessable else "not assessable"


def _rates(attacks: list[AttackRecord]) -> Table:
    adjusted = any(a.mcnemar_holm is not None for a in attacks)
    family = "by Holm over the attacks" if adjusted else "not corrected for the number of attacks"
    return Table(
        columns=[
            Column(title="Attack"),
            Column(title="Radius", width=1.0),
            Column(title="Flipped, images", width=0.8, align="right"),
            Column(title="Flip rate", width=_RATE, align="right"),
            Column(title="After rounding to 8 bits", width=_RATE, align="right"),
            Column(title="Robust accuracy", width=_RATE, align="right"),
            Column(title="The same, balanced", width=_RATE, align="right"),
            Column(title="Clean against attacked, p", width=0.9, align="right"),
        ],
        rows=[
            [
                f.identifier(a.id),
                words.radius(a.norm, a.epsilon) if a.epsilon is not None else words.no_radius(a),
                f.hits(a.flips) if a.assessable else f.DASH,
                _cell(a, a.flips),
                _cell(a, a.flips_quantised),
                _cell(a, a.robust_accuracy),
                _cell(a, a.robust_balanced_accuracy),
                f.p_value(a.mcnemar_p if a.mcnemar_holm is None else a.mcnemar_holm)
                if a.assessable
                else f.DASH,
            ]
            for a in attacks
        ],
        caption="Label flips by attack",
        stacked=True,
        note="Balanced: the mean over the classes, so that a model of one decision reaches 50 % of two classes at "
        "most. p: right and wrong before against after, paired by image and permuted by case (exact McNemar where "
        f"every case has one image), {family}. It asks whether accuracy changed: a "
        "model whose every decision flips may be right as often as before.",
    )


def _sample_sizes(attacks: list[AttackRecord]) -> list[Block]:
    """What a comparison with another checkpoint on these images would notice, each sentence once."""
    names: dict[str, list[str]] = {}
    for attack in attacks:
        size = sample_size(attack.flips)
        judged = (
            attack.assessable and attack.criterion_name == "leave-decision" and attack.epsilon is not None
        )
        if judged and size is not None:
            names.setdefault(size.words, []).append(f.printable(attack.id))
    return [Points(items=[f"{f.listing(ids)}: {said}." for said, ids in names.items()])] if names else []


def _directions(attacks: list[AttackRecord], positive: str) -> Table:
    missed, false = words.directions(positive)
    name = f.printable(positive)
    rows = [
        [
            f.identifier(a.id),
            *(
                f"{f.hits(rate)}, {f.rate(rate)}"
                if rate is not None and rate.estimate is not None and a.assessable
                else f.DASH
                for rate in (a.missed_cancers, a.false_alarms, a.from_positive, a.from_negative)
            ),
        ]
        for a in attacks
    ]
    why = "not assessed, because labels are missing, flips are not assessable, or no image was decided so"
    return Table(
        columns=[
            Column(title="Attack"),
            Column(title=words.capital(missed), width=1.4, align="right"),
            Column(title=words.capital(false), width=1.4, align="right"),
            Column(title=f"Flips of decisions for {name}", width=1.4, align="right"),
            Column(title=f"Flips of decisions against {name}", width=1.4, align="right"),
        ],
        rows=rows,
        caption="Label flips by direction",
        stacked=True,
        note=f"{words.capital(missed)}: of images labelled {name} and decided so before the attack, those that it "
        f"hides. {words.capital(false)}: of images labelled and decided otherwise, those that it turns to {name}."
        f"{f.dashes(rows, why)}",
    )


def _counts(attacks: list[AttackRecord]) -> Table:
    return Table(
        columns=[
            Column(title="Attack"),
            Column(title="Images", width=0.7, align="right"),
            Column(title="Attack failed", width=0.7, align="right"),
            Column(title="Flips lost by rounding", width=0.9, align="right"),
            Column(title="Flips gained by rounding", width=0.9, align="right"),
            Column(title="Change reached, L∞, grey levels", width=1.3, align="right"),
            Column(title="Change reached, L2 in [0, 1]", width=1.3, align="right"),
            Column(title="Forward and backward passes an image", width=1.1, align="right"),
        ],
        rows=[
            [
                f.identifier(a.id),
                str(a.images),
                str(a.failed),
                str(a.lost_in_rounding),
                str(a.flips_by_rounding_alone),
                f.spread(a.linf, 255),
                f.spread(a.l2),
                _passes(a),
            ]
            for a in attacks
        ],
        caption="Counts and the perturbation really reached",
        note="Changes are medians with quartiles over images. Passes: those of the curve too. "
        "A failed attack could not go on; its images "
        "count as not flipped unless the decision changed.",
    )


def _passes(attack: AttackRecord) -> str:
    if not attack.images:
        return f.DASH
    return f"{f.number(attack.forwards / attack.images)} and {f.number(attack.backwards / attack.images)}"
