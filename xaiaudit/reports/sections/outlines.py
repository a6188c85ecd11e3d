"""Decision and outline: what an attack on either does to both, and whether map and predicted mask still agree."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.records import AgreementRecord, AttackRecord, MaskAgreement, MaskState, OutlineRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Column, Picture, Section, Table, Text, not_assessed
from xaiaudit.reports.figures.outlines import WIDTH_MM, Pairs, draw_pairs
from xaiaudit.reports.reading import LESION_COLUMN, Audit

TITLE = "Decision and outline"
FILE = "outlines.svg"
BOTH = (
    "The model decides and outlines. An attack on one may move the other, so that both are measured under every "
    "attack, whichever it was made against. "
)
ALONE = (
    "The model outlines and makes no diagnosis: what it decides of an image is whether it outlines anything, which is "
    "measured beside the outline under every attack. "
)
EXPLAINED = (
    "Dice and JSI compare the outline that the model draws with the outlined "
    "lesion; drops are paired by image, clean minus attacked. The overlap with the clean mask is the Dice of the "
    "masks drawn before and after: it says how far the drawn outline moved, and needs no reader’s outline."
)
AGREEMENT = (
    "Where a model draws the lesion and a map shows what its decision rests on, a reader expects the two to agree. "
    "Map and mask agree in an image when the map’s maximum lies in the mask; where the map is undefined or nothing "
    "is drawn, they do not. Maps explain the decision on their own image, before rounding."
)


def outlines(audit: Audit, canvas: Canvas) -> Section | None:
    """None for a model that draws no mask."""
    records = audit.record.outlines
    if records:
        return Section(title=TITLE, blocks=[*_masks(audit, canvas), *_agreement(audit.record.agreement)])
    if any(attack.dice_after is not None for attack in audit.record.attacks):
        return Section(title=TITLE, blocks=[not_assessed("the audit was made before this was measured")])
    return None


def _masks(audit: Audit, canvas: Canvas) -> list[Block]:
    records, attacks = audit.record.outlines, {attack.id: attack for attack in audit.record.attacks}
    diagnoses = audit.record.checkpoint.diagnoses
    lead, caption = (BOTH, "Both heads") if diagnoses else (ALONE, "The outline")
    table = _table(records, attacks, f"{caption} under each attack")
    found: list[Block] = [Text(text=lead + EXPLAINED), table]
    if not records[0].with_lesion:
        why = not_assessed("no audited image has an outlined lesion, with which Dice could be measured")
        return [*found, why]
    groups = [_pairs(audit.predictions, record) for record in records]
    draw_pairs(groups, canvas.path(FILE))
    spoken = " ".join(
        f"{f.printable(record.attack_id)}: clean {f.value(record.clean.dice)}, attacked "
        f"{f.value(record.attacked.dice)}, rounded {f.value(record.rounded.dice)}."
        for record in records
    )
    picture = Picture(
        file=FILE,
        alt=f"Dice of each image clean, attacked and after rounding to 8 bits. Means: {spoken}",
        caption=f"Dice of {f.count(records[0].with_lesion, 'image')} with an outlined lesion: clean, attacked, and "
        "after rounding to 8 bits. A line is an image; a diamond the mean, with its "
        f"95{f.NBSP}% interval.",
        width_mm=WIDTH_MM,
    )
    return [*found, picture]


def _table(records: list[OutlineRecord], attacks: dict[str, AttackRecord], caption: str) -> Table:
    first = records[0]
    rows = [["Clean", f.DASH, *_scores(first.clean), f.DASH, f.DASH, f"{first.clean.drawn} drawn"]]
    for record in records:
        attack = attacks[record.attack_id]
        for state, flips, name in (
            (record.attacked, attack.flips, f.identifier(record.attack_id)),
            (record.rounded, attack.flips_quantised, "the same, rounded to 8 bits"),
        ):
            flipped = f.rate(flips) if attack.assessable else "not assessable"
            rows.append(
                [
                    name,
                    flipped,
                    *_scores(state),
                    f.value(state.dice_drop),
                    f.value(state.overlap),
                    _gone(state),
                ]
            )
    return Table(
        columns=[
            Column(title="Images", width=1.1),
            Column(title="Decisions flipped", align="right"),
            Column(title="Dice", align="right"),
            Column(title="JSI (IoU)", align="right"),
            Column(title="Drop of the Dice", align="right"),
            Column(title="Overlap with the clean mask", align="right"),
            Column(title="Masks vanished, appeared", width=0.8, align="right"),
        ],
        rows=rows,
        caption=caption,
        note=f"Means with 95 % intervals by case. Dice and JSI: of the {f.count(first.with_lesion, 'image')} with an "
        "outlined lesion, where a mask that is not drawn scores 0. Overlap: where a mask is drawn before or after, 0 "
        "where it vanished or appeared. Vanished: drawn on the clean image and not on the attacked one; appeared: the "
        f"other way round; of {f.count(first.images, 'image')}. What is drawn on padding is wrong in Dice and JSI, and "
        "no mask in the last two columns.",
        stacked=True,
    )


def _scores(state: MaskState) -> list[str]:
    return [f.value(state.dice), f.value(state.jsi)]


def _gone(state: MaskState) -> str:
    return f"{state.vanished}, {state.appeared}"


def _pairs(predictions: pa.Table, record: OutlineRecord) -> Pairs:
    """The three Dice scores of each image with an outlined lesion."""
    lesion = predictions.filter(pc.equal(predictions[LESION_COLUMN], True))
    own = {
        "clean": (pc.field("attack_id") == "none"),
        "attacked": _of(record.attack_id, quantised=False),
        "rounded": _of(record.attack_id, quantised=True),
    }
    columns = []
    for chosen in own.values():
        rows = lesion.filter(chosen)
        columns.append(dict(zip(rows["image"].to_pylist(), rows["dice"].to_pylist(), strict=True)))
    scores = np.array([[column[name] for column in columns] for name in columns[0]], np.float64)
    means = tuple(state.dice for state in (record.clean, record.attacked, record.rounded))
    return Pairs(record.attack_id, scores, means)


def _of(attack_id: str, *, quantised: bool) -> pc.Expression:
    own = (pc.field("attack_id") == attack_id) & (pc.field("quantised") == quantised)
    return own & ~pc.field("curve")


def _agreement(records: list[AgreementRecord]) -> list[Block]:
    if not records:
        return []
    return [Text(text="Map and predicted mask", style="subheading"), Text(text=AGREEMENT), _agree(records)]


def _agree(records: list[AgreementRecord]) -> Table:
    rows = []
    for name in dict.fromkeys(record.explainer_id for record in records):
        own = [record for record in records if record.explainer_id == name]
        rows.append([f.printable(name), "clean map, clean mask", *_agreeing(own[0].clean), f.DASH])
        for record in own:
            attack, change = f.identifier(record.attack_id), f.value(record.energy_change)
            rows.append(
                [
                    f.printable(name),
                    f"{attack}: attacked map, attacked mask",
                    *_agreeing(record.attacked),
                    change,
                ]
            )
            rows.append(
                [f.printable(name), f"{attack}: attacked map, clean mask", *_agreeing(record.apart), f.DASH]
            )
    return Table(
        columns=[
            Column(title="Explainer", width=0.8),
            Column(title="Map and mask", width=1.5),
            Column(title="Maximum inside the mask", width=1.1, align="right"),
            Column(title="A random point", width=0.7, align="right"),
            Column(title="Energy inside the mask", width=1.2, align="right"),
            Column(title="Undefined maps, empty masks", width=0.8, align="right"),
            Column(title="Change of the energy share", width=1.1, align="right"),
        ],
        rows=rows,
        caption="Whether the map lies in the mask that the model draws",
        note=f"Maximum: of all {f.count(records[0].images, 'image')}; undefined maps and empty masks are counted "
        "in a column of their own and are never hits. A random point: the share of the real pixels that is drawn. "
        "Energy: the median share of the map’s positive mass with quartiles, where map and mask are there. Change: "
        "mean, paired by image, attacked minus clean.",
        stacked=True,
    )


def _agreeing(state: MaskAgreement) -> list[str]:
    return [
        f.rate(state.hits),
        f.percent(state.chance_uniform),
        f.spread(state.energy, decimals=2),
        f"{state.undefined}, {state.empty}",
    ]
