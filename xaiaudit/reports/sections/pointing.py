"""Does the map point at the lesion: pointing game and energy shares before and after, and where peaks went."""

from collections.abc import Callable, Mapping

from xaiaudit.records import PEAK_STATES, Distribution, ExplainerRecord, MapRecord, PointingRecord
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
    return [*blocks, _figures(records, name)]


def _figures(records: list[MapRecord], name: str) -> Table:
    """Rows are images before and after each attack, in a group for each extreme; regions are columns."""
    regions = list(dict.fromkeys(p.region for p in records[0].pointing))
    extremes = list(dict.fromkeys(p.extreme for p in records[0].pointing))
    rows: list[list[str]] = []
    for extreme in extremes:
        rows += [
            [f"{extreme.capitalize()} in the region, % (95 % interval)"],
            *_rates(records, regions, extreme),
        ]
    energy = [p.region for p in records[0].pointing if p.energy_before is not None]
    if energy:
        rows += [["Share of the energy in the region, %: median (quartiles)"], *_energy(records, regions)]
    n = records[0].pointing[0].before.n
    note = f"Images with a lesion and a defined clean map: {n}; a map that vanished is a miss."
    if energy:
        shown = next(place for place, p in enumerate(records[0].pointing) if p.energy_before is not None)
        after = [f"{_n(r.pointing[shown].energy_after)} after {f.printable(r.attack_id)}" for r in records]
        note += f" Energy, defined maps: {_n(records[0].pointing[shown].energy_before)} before, {', '.join(after)}."
    return Table(
        columns=[
            Column(title="Maps", width=1.2),
            *(Column(title=words.capital(region_words(region)), align="right") for region in regions),
        ],
        rows=rows,
        caption=f"Pointing game of {name}",
        note=f"{note}{f.dashes(rows, 'undefined, or not measured')}",
    )


def _rates(records: list[MapRecord], regions: list[str], extreme: str) -> list[list[str]]:
    def row(title: str, show: Callable[[PointingRecord], str], record: MapRecord) -> list[str]:
        cells = {p.region: show(p) for p in record.pointing if p.extreme == extreme}
        return [title, *(cells.get(region, f.DASH) for region in regions)]

    first = records[0]
    return [
        row("before", lambda p: f.compact(p.before), first),
        *(row(f"after {f.identifier(r.attack_id)}", lambda p: f.compact(p.after), r) for r in records),
        row("chance, uniform point", lambda p: f.fixed(_percent(p.chance_uniform), 1), first),
        row("chance, shuffled maps", lambda p: f.fixed(_percent(p.chance_shuffled), 1), first),
    ]


def _energy(records: list[MapRecord], regions: list[str]) -> list[list[str]]:
    def row(title: str, values: Mapping[str, Distribution | None]) -> list[str]:
        return [title, *(_share(values.get(region)) for region in regions)]

    known = [{p.region: p for p in r.pointing if p.energy_before is not None} for r in records]
    return [
        row("before", {region: p.energy_before for region, p in known[0].items()}),
        *(
            row(f"after {f.identifier(r.attack_id)}", {region: p.energy_after for region, p in own.items()})
            for r, own in zip(records, known, strict=True)
        ),
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _n(values: Distribution | None) -> int:
    return values.n if values is not None else 0


def _share(values: Distribution | None) -> str:
    return f.spread(values, 100, 1)


def _heat(record: MapRecord) -> Heat:
    caption = f"Peaks of {f.printable(record.explainer_id)} after {f.printable(record.attack_id)}"
    return Heat(caption=caption, states=list(PEAK_STATES), counts=record.transitions)
