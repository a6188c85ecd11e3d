"""What the map would be worth as an outline: masks and boxes made by a threshold, before and after."""

from xaiaudit.records import MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Section, Table, Text, chunks, not_assessed
from xaiaudit.reports.reading import Audit

TITLE = "Pseudo-masks"
ABREAST = 3  # attacks to a table
NAMES = {
    "pseudo_dice": "Dice with the lesion",
    "pseudo_iou": "IoU with the lesion",
    "pseudo_box_iou": "Box IoU",
}


def pseudo_masks(audit: Audit, canvas: Canvas) -> Section:
    records = [m for m in words.same_target(audit.record.maps) if any(_defined(m))]
    if not records:
        return Section(title=TITLE, blocks=[not_assessed(_why_not(audit))])
    blocks: list[Block] = [Text(text=_explained(records[0]))]
    for explainer in audit.record.explainers:
        group = [record for record in records if record.explainer_id == explainer.id]
        blocks += [_table(few, f.printable(explainer.id)) for few in chunks(group, ABREAST)]
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


def _table(records: list[MapRecord], name: str) -> Table:
    columns = [Column(title="Measure", width=1.2), Column(title="Before", align="right")]
    columns += [Column(title=f"After {f.identifier(record.attack_id)}", align="right") for record in records]
    rows = []
    for place, pseudo in enumerate(records[0].pseudo_masks):
        after = [f.spread(record.pseudo_masks[place].after, 1, 2) for record in records]
        rows.append([NAMES[pseudo.metric], f.spread(pseudo.before, 1, 2), *after])
    counts = [f"{r.pseudo_masks[0].after.n} after {f.printable(r.attack_id)}" for r in records]
    return Table(
        columns=columns,
        rows=rows,
        caption=f"Pseudo-masks of {name}: median (quartiles)",
        note=f"Images with a lesion and a map with a positive value: {records[0].pseudo_masks[0].before.n} before, "
        f"{', '.join(counts)}. The others have no pseudo-mask and are not counted as misses.",
    )
