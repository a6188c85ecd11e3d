"""What is gained by withholding a decision whose map points outside every region, clean and under attack."""

from xaiaudit.records import AbstentionRecord, Interval
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import (
    Block,
    Canvas,
    Column,
    Picture,
    Section,
    Table,
    Text,
    not_assessed,
)
from xaiaudit.reports.figures.abstention import WIDTH_MM, draw_abstention
from xaiaudit.reports.reading import Audit

TITLE = "Withholding decisions"
EXPLAINED = (
    "The rule: a decision is withheld when the maximum of its map lies outside lesion, ring and posterior region, or "
    "when the map is undefined. Coverage is the share of decisions kept, risk the error rate among them. Ranked by the "
    "energy share inside the three regions, the same idea gives a whole curve, beside that of the model’s own "
    "confidence, which needs no map. AURC is the mean risk over all coverages; its excess is what it lies above a "
    "perfect ranking. Under attack the attacked decision is judged by the map that explains it. A deployed model has "
    "no reader’s outline: figures by it say what the rule could gain at best. Where the model predicts a mask, the "
    "regions around that are used too, which needs no reader."
)
REGIONS = {"outline": "regions of the reader’s outline", "predicted": "regions of the model’s own mask"}


def abstention(audit: Audit, canvas: Canvas) -> Section:
    records = audit.record.abstention
    if not records:
        return Section(title=TITLE, blocks=[not_assessed(_why_not(audit))])
    blocks: list[Block] = [Text(text=EXPLAINED)]
    for number, explainer in enumerate(audit.record.explainers):
        for kind in REGIONS:
            group = [r for r in records if r.explainer_id == explainer.id and r.regions == kind]
            if group and not group[0].assessable:
                blocks += _not_assessable(group)
            elif group:
                blocks += _group(group, canvas, f"abstention-{number}-{kind}.svg")
    return Section(title=TITLE, blocks=blocks)


def _why_not(audit: Audit) -> str:
    if not audit.record.maps:
        return "the audit has no maps"
    return (
        "no audited image has both a label and known regions, or the audit was made before this was measured"
    )


def _group(records: list[AbstentionRecord], canvas: Canvas, file: str) -> list[Block]:
    draw_abstention(records, canvas.path(file))
    first = records[0]
    name = f.printable(first.explainer_id)
    spoken = " ".join(
        f"{condition(r)}: AURC by energy share {f.number(r.energy.aurc.estimate)}, by confidence "
        f"{f.number(r.confidence.aurc.estimate)}; the rule keeps {f.percent(r.coverage.estimate)} at a risk of "
        f"{f.percent(r.risk_kept.estimate)}."
        for r in records
    )
    return [
        Text(text=f"Explainer {name}, {REGIONS[first.regions]}", style="subheading"),
        Picture(
            file=file,
            alt=f"Risk against coverage of {name}, clean and under each attack. {spoken}",
            caption=f"Risk against coverage by maps of {name} and by confidence. Dot: the rule, with 95 % intervals "
            "of coverage (across) and risk (up and down).",
            width_mm=WIDTH_MM,
        ),
        _rule(records),
    ]


def _not_assessable(records: list[AbstentionRecord]) -> list[Block]:
    first = records[0]
    return [
        Text(
            text=f"Explainer {f.printable(first.explainer_id)}, {REGIONS[first.regions]}", style="subheading"
        ),
        Text(text=f"Not assessable: {first.why_not} ({f.count(first.images, 'image')} with a label)."),
    ]


def condition(record: AbstentionRecord) -> str:
    """Clean, or under which attack."""
    return "Clean" if record.attack_id == "none" else f"After {f.printable(record.attack_id)}"


def _rule(records: list[AbstentionRecord]) -> Table:
    first = records[0]
    left_out = [
        f"{f.count(n, 'image')} {why}"
        for n, why in (
            (first.without_label, "without a label"),
            (first.without_regions, "without known regions"),
        )
        if n
    ]
    undefined = ", ".join(f"{condition(r).lower()} {r.undefined}" for r in records)
    rows = [
        [
            "Clean" if r.attack_id == "none" else f"After {f.identifier(r.attack_id)}",
            *(f.compact(rate) for rate in (r.coverage, r.risk_all, r.risk_kept, r.risk_withheld)),
            *(_area(curve.aurc) for curve in (r.energy, r.confidence)),
            *(f.fixed(curve.excess, 3) for curve in (r.energy, r.confidence)),
        ]
        for r in records
    ]
    return Table(
        columns=[
            Column(title="Images", width=1.1),
            Column(title="Kept, %", align="right"),
            Column(title="Risk of all, %", align="right"),
            Column(title="Risk of those kept, %", align="right"),
            Column(title="Risk of those withheld, %", align="right"),
            Column(title="AURC, energy share", align="right"),
            Column(title="AURC, confidence", align="right"),
            Column(title="Excess, energy", width=0.55, align="right"),
            Column(title="Excess, confidence", width=0.7, align="right"),
        ],
        rows=rows,
        caption=f"The rule by maps of {f.printable(first.explainer_id)}, and the area under both curves",
        note=f"{f.count(first.images, 'image')} with a label and known regions"
        + (f"; {' and '.join(left_out)} took no part" if left_out else "")
        + f". Undefined maps, withheld: {undefined}. AURC: the less, the better the ranking; where all decisions "
        f"or none are wrong there is no variance to give an interval.{f.dashes(rows, 'no such decision')}",
        stacked=True,
    )


def _area(area: Interval) -> str:
    return f.value(area, 3)
