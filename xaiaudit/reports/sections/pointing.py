"""Does the map point at the lesion: pointing game and energy shares before and after, and where peaks went."""

from xaiaudit.records import PEAK_STATES, Distribution, ExplainerRecord, MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import (
    Block,
    Canvas,
    Column,
    Heat,
    Picture,
    Row,
    Section,
    Table,
    Text,
    Together,
    chunks,
    not_assessed,
)
from xaiaudit.reports.figures.pointing import WIDTH_MM, draw_pointing, region_words
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.hits import related_blocks

TITLE = "Pointing game"
ABREAST = 3  # attacks to a table, so that no column gets too narrow
EXPLAINED = (
    "Does the extreme of the map lie in the region? Each rate stands beside two chance levels: a point "
    "drawn uniformly from the valid image, and the clean maps shuffled between images, which keeps the "
    "habit of pointing at the centre. Energy share: positive mass of the map in the region, of all its "
    "positive mass."
)


def pointing(audit: Audit, canvas: Canvas) -> Section:
    records = [m for m in words.same_target(audit.record.maps) if any(p.before.n for p in m.pointing)]
    if not records:
        return Section(title=TITLE, blocks=[not_assessed(_why_not(audit))])
    blocks: list[Block] = [Text(text=EXPLAINED + _tolerance(audit))]
    for number, explainer in enumerate(audit.record.explainers):
        group = [record for record in records if record.explainer_id == explainer.id]
        if group:
            blocks += _explainer(group, explainer, canvas, number)
    blocks += related_blocks(audit)
    blocks.append(Text(text="Where the peaks went", style="subheading"))
    blocks.append(
        Text(
            text="Each image is counted once: in the row of the region that the map’s peak left, and in "
            "the column of the region that it entered. Shading: share of the row. A dot: no image."
        )
    )
    for explainer in audit.record.explainers:
        heats = [_heat(record) for record in records if record.explainer_id == explainer.id]
        pairs = chunks(heats, 2)
        blocks.append(Together(blocks=[Row(columns=[[heat] for heat in pair]) for pair in pairs]))
    return Section(title=TITLE, blocks=blocks)


def _tolerance(audit: Audit) -> str:
    regions = audit.record.regions
    if not regions.tolerance_mm:
        return ""
    lost = f"; {f.count(regions.without_tolerance, 'image')} with a lesion but without spacing took no part"
    return (
        f" An extreme within {f.number(regions.tolerance_mm)}{f.NBSP}mm of a region counts as inside it, and so does "
        f"a random point, so that regions overlap{lost if regions.without_tolerance else ''}. Where the peaks went "
        "is told without tolerance."
    )


def _why_not(audit: Audit) -> str:
    if not audit.record.maps:
        return "the audit has no maps"
    regions = audit.record.regions
    if regions.without_tolerance:
        return (
            f"a tolerance of {f.number(regions.tolerance_mm)}{f.NBSP}mm needs the pixel spacing, which "
            f"{f.count(regions.without_tolerance, 'image')} with a lesion mask lack"
        )
    return "no audited image has a lesion mask"


def _explainer(
    records: list[MapRecord], explainer: ExplainerRecord, canvas: Canvas, number: int
) -> list[Block]:
    name = f.printable(explainer.id)
    file = f"pointing-{number}.svg"
    draw_pointing(records, canvas.path(file))
    spoken = "; ".join(
        f"{region_words(p.region)}: before {f.percent(p.before.estimate)}, after "
        f"{f.printable(m.attack_id)} {f.percent(p.after.estimate)}"
        for m in records
        for p in m.pointing
        if p.extreme == "maximum"
    )
    rows, columns = explainer.grid
    of = "pixels of the image" if explainer.layer == "image" else f"cells of {f.printable(explainer.layer)}"
    blocks: list[Block] = [
        Text(
            text=f"Explainer {name}, {rows} × {columns} {of}",
            style="subheading",
        ),
        Picture(
            file=file,
            alt=f"Pointing game of {name} before and after each attack. {spoken}.",
            caption=f"Pointing game of {name}: rates with 95 % intervals before and after each attack.",
            width_mm=WIDTH_MM,
        ),
    ]
    for group in chunks(records, ABREAST):
        blocks.append(_rates(group, name))
        if any(p.energy_before is not None for p in group[0].pointing):
            blocks.append(_energy(group, name))
    return blocks


def _rates(records: list[MapRecord], name: str) -> Table:
    columns = [Column(title="Region", width=1.2), Column(title="Before", align="right")]
    columns += [Column(title=f"After {f.identifier(record.attack_id)}", align="right") for record in records]
    columns += [Column(title="Chance, uniform", width=0.6, align="right")]
    columns += [Column(title="Chance, shuffled", width=0.6, align="right")]
    several = any(p.extreme != "maximum" for p in records[0].pointing)
    rows = []
    for place, first in enumerate(records[0].pointing):
        after = [f.rate(record.pointing[place].after) for record in records]
        region = f"{region_words(first.region)}, {first.extreme}" if several else region_words(first.region)
        chances = [f.percent(first.chance_uniform), f.percent(first.chance_shuffled)]
        rows.append([region, f.rate(first.before), *after, *chances])
    return Table(
        columns=columns, rows=rows, caption=f"Pointing game of {name}", note=_counted(records), stacked=True
    )


def _counted(records: list[MapRecord]) -> str:
    first = records[0].pointing[0]
    return f"Images with a lesion and a defined clean map: {first.before.n}; a map that vanished is a miss."


def _energy(records: list[MapRecord], name: str) -> Table:
    columns = [Column(title="Region", width=1.2), Column(title="Before", align="right")]
    columns += [Column(title=f"After {f.identifier(record.attack_id)}", align="right") for record in records]
    shown = next(place for place, p in enumerate(records[0].pointing) if p.energy_before is not None)
    after = [f"{_n(r.pointing[shown].energy_after)} after {f.printable(r.attack_id)}" for r in records]
    note = f"Defined maps: {_n(records[0].pointing[shown].energy_before)} before, {', '.join(after)}."
    rows = []
    for place, first in enumerate(records[0].pointing):
        if first.energy_before is not None:
            shares = [_share(record.pointing[place].energy_after) for record in records]
            rows.append([region_words(first.region), _share(first.energy_before), *shares])
    return Table(
        columns=columns, rows=rows, caption=f"Energy share of {name}, %: median (quartiles)", note=note
    )


def _n(values: Distribution | None) -> int:
    return values.n if values is not None else 0


def _share(values: Distribution | None) -> str:
    return f.spread(values, 100, 1)


def _heat(record: MapRecord) -> Heat:
    caption = f"Peaks of {f.printable(record.explainer_id)} after {f.printable(record.attack_id)}"
    return Heat(caption=caption, states=list(PEAK_STATES), counts=record.transitions)
