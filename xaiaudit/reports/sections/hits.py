"""Do maps that point at the lesion go with right decisions? A part of the pointing game."""

from xaiaudit.records import HitRelation
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Column, Table, Text, not_assessed
from xaiaudit.reports.figures.pointing import region_words
from xaiaudit.reports.reading import Audit


def related_blocks(audit: Audit) -> list[Block]:
    """Nothing in audits that related no hits: older ones, and those without labels.

    An explainer whose maps are all undefined has no table.
    """
    blocks: list[Block] = []
    for explainer in audit.record.explainers:
        relations = [r for r in audit.record.hit_relations if r.explainer_id == explainer.id]
        if relations:
            blocks.append(_table(relations, explainer.id) if relations[0].right.n and relations[0].wrong.n
                          else _one_sided(relations[0], explainer.id))  # fmt: skip
    if not blocks:
        return []
    return [Text(text="Is a map that points there a sign of a right decision?", style="subheading"), *blocks]


def _one_sided(relation: HitRelation, explainer_id: str) -> Text:
    right, wrong = relation.right.n, relation.wrong.n
    none = "wrong" if right else "right"
    return not_assessed(
        f"none of {f.count(right + wrong, 'decision')} with a lesion and a defined map of {f.printable(explainer_id)} "
        f"was {none}"
    )


def _table(relations: list[HitRelation], explainer_id: str) -> Table:
    first = relations[0]
    return Table(
        columns=[
            Column(title="Region", width=1.2),
            Column(title="Decided rightly", align="right"),
            Column(title="Decided wrongly", align="right"),
            Column(title="Difference, points", align="right"),
            Column(title="p", width=0.5, align="right"),
        ],
        rows=[
            [region_words(r.region), f.rate(r.right), f.rate(r.wrong), f.points(r.difference), f.p_value(r.p)]
            for r in relations
        ],
        caption=f"Clean maps of {f.printable(explainer_id)} whose maximum lies in the region, by whether the "
        "decision was right",
        note=f"{first.right.n} right and {first.wrong.n} wrong decisions with a lesion and a defined map. p: hits "
        "exchanged between cases with as many images, by Holm over the regions. A difference does not say that the "
        "region made the decision right.",
    )
