"""What the map would be worth as an outline: masks and boxes made by a threshold, before and after."""

from xaiaudit.records import Distribution, MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Section, Table, Text, not_assessed
from xaiaudit.reports.reading import Audit

TITLE = "Pseudo-masks"
NAMES = {
    "pseudo_dice": "Dice with the lesion",
    "pseudo_iou": "IoU with the lesion",
    "pseudo_box_iou": "Box IoU",
}


def pseudo_masks(audit: Audit, canvas: Canvas) -> Section:
    records = [m for m in words.same_target(audit.record.maps) if any(_defined(m))]
    if not records:
        return Section(title=TITLE, blocks=[not_assessed(_why_not(audit))])
    blocks: list[Block] = [Text(text=_explained(records[0])), _table(audit, records)]
    return Section(title=TITLE, blocks=blocks)


def _defined(record: MapRecord) -> list[int]:
    return [pseudo.before.n for pseudo in record.pseudo_masks]


def _why_not(audit: Audit) -> str:
    if not audit.record.maps:
        return "the audit has no maps"
    if not any(m.pseudo_masks for m in audit.record.maps):
        return "the audit was made before pseudo-masks were measured"
    return "no audited image has a lesion mask and a map with a positive value"


def _explained(record: MapRecord) -> str:
    return (
        f"A pseudo-mask holds the pixels where the map, upsampled to the input grid, exceeds "
        f"{f.percent(record.pseudo_threshold, 0)} of its maximum (Zhou et al. 2016); it is compared whole with the "
        "lesion mask. Its box goes around the largest component and is compared with the box of each outlined "
        "lesion, of which the best counts. A map of few cells cannot follow an outline: read the change more than "
        "the value."
    )


def _table(audit: Audit, records: list[MapRecord]) -> Table:
    """Rows are images before and after each attack, in a group for each explainer."""
    rows: list[list[str]] = []
    for explainer in audit.record.explainers:
        own = [record for record in records if record.explainer_id == explainer.id]
        if own:
            rows += [[f.printable(explainer.id)], _row("before", [p.before for p in own[0].pseudo_masks])]
            rows += [
                _row(f"after {f.identifier(r.attack_id)}", [p.after for p in r.pseudo_masks]) for r in own
            ]
    metrics = [pseudo.metric for pseudo in records[0].pseudo_masks]
    return Table(
        columns=[
            Column(title="Maps", width=1.2),
            Column(title="Images", width=0.5, align="right"),
            *(Column(title=NAMES[metric], align="right") for metric in metrics),
        ],
        rows=rows,
        caption="Pseudo-masks: median (quartiles)",
        note="Images: with a lesion and a map with a positive value. The others have no pseudo-mask and are no "
        "misses.",
    )


def _row(title: str, values: list[Distribution]) -> list[str]:
    return [title, str(values[0].n), *(f.spread(value, 1, 2) for value in values)]
