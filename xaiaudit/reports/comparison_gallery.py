"""Of a comparison's report: the images whose maps drifted most, with the maps of both checkpoints."""

from functools import partial
from pathlib import Path

import numpy as np

from xaiaudit.comparison_record import ComparisonRecord, DriftCase, DriftMaps, MapOf
from xaiaudit.data.regions import regions
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Case, CaseRow, Panel, Section, Text, chunks, not_assessed
from xaiaudit.reports.figures import panels
from xaiaudit.reports.reading import read_picture
from xaiaudit.reports.sections.gallery import SEQUENTIAL, SIGNED

TITLE = "Maps that drifted most"
ABREAST = 5  # explainers beside the image
LEGEND = (
    "Of each explainer the images whose maps went farthest, and the next of those that the gallery of an audit holds. "
    "Above the clean image as the network sees it, where it is held, and the maps of the older checkpoint; below those "
    "of the newer, both explaining the decision that is named. Solid line: lesion. Dashed line: outer edge of the "
    "ring; without the image both follow the cells of the map. Cross: the map’s maximum. Each map has its own colour "
    "scale with its raw values, which have no unit."
)


def gallery_section(record: ComparisonRecord, canvas: Canvas) -> Section:
    if not record.gallery:
        return Section(title=TITLE, blocks=[not_assessed("no map that could be compared moved")])
    panels.save_scale(canvas.path(SEQUENTIAL), signed_map=False)
    panels.save_scale(canvas.path(SIGNED), signed_map=True)
    blocks: list[Block] = [Text(text=LEGEND, style="note")]
    for number, case in enumerate(record.gallery, 1):
        for part, own in enumerate(chunks(case.maps, ABREAST)):
            blocks.append(_case(record, canvas, f"drift-{number}-{part}", case, own))
    return Section(title=TITLE, blocks=blocks, new_page=True)


def _case(
    record: ComparisonRecord, canvas: Canvas, stem: str, case: DriftCase, maps: list[DriftMaps]
) -> Case:
    codes, name = _codes(case, record.ring_mm), f.printable(case.image)
    signed = {item.explainer_id: item.signed for item in record.drift}
    older: list[Panel | None] = []
    newer: list[Panel | None] = []
    if "clean" in case.pictures:
        rgb = panels.grey_panel(read_picture(Path(case.pictures["clean"])), case.spacing)
        older.append(_panel(canvas, f"{stem}-clean", rgb, f"Clean B-mode image of {name}"))
        newer.append(None)
    for number, item in enumerate(maps):
        paint = partial(_map, canvas, codes=codes, signed_map=signed[item.explainer_id])
        alt = f"Map of {name} by {f.printable(item.explainer_id)}, of the"
        older.append(paint(f"{stem}-{number}-older", item.before, f"{alt} older checkpoint"))
        newer.append(paint(f"{stem}-{number}-newer", item.after, f"{alt} newer checkpoint"))
    said = [f"{f.printable(item.explainer_id)}: {item.moved}." for item in maps]
    label = f.printable(case.label) if case.label else "unknown"
    return Case(
        title=f.breakable(case.image),
        caption=f"Label {label}. Both decide {f.printable(case.decision)}.",
        columns=[*["Image"] * ("clean" in case.pictures), *(f.printable(item.explainer_id) for item in maps)],
        rows=[
            CaseRow(title="Older", caption="", panels=older),
            CaseRow(title="Newer", caption=" ".join(said), panels=newer),
        ],
    )


def _codes(case: DriftCase, ring_mm: float) -> np.ndarray | None:
    """The regions of the picture; None without one."""
    if "clean" not in case.pictures:
        return None
    shape = read_picture(Path(case.pictures["clean"])).shape
    mask, valid = (
        read_picture(Path(case.pictures[what])) > 127 if what in case.pictures else None
        for what in ("mask", "valid")
    )
    outlined = np.zeros(shape, bool) if mask is None else mask
    return regions(outlined, spacing=case.spacing, valid=valid, ring_mm=ring_mm).codes


def _map(
    canvas: Canvas, stem: str, item: MapOf, alt: str, *, codes: np.ndarray | None, signed_map: bool
) -> Panel:
    saliency = np.array(item.values, np.float64).reshape(item.grid)
    if codes is None:
        side = -(-panels.PIXELS // max(item.grid))
        codes = np.kron(np.array(item.cells, np.uint8).reshape(item.grid), np.ones((side, side), np.uint8))
    rgb, low, high = panels.map_panel(saliency, codes, signed_map=signed_map, peak=item.peak)
    undefined = "undefined" if item.peak is None else ""
    ends = (f.number(low), "0" if signed_map else "", f.number(high))
    scale = SIGNED if signed_map else SEQUENTIAL
    return _panel(
        canvas, stem, rgb, f"{alt}, regions outlined. {undefined}".rstrip(), undefined, scale, *ends
    )


def _panel(
    canvas: Canvas, stem: str, rgb: panels.Rgb, alt: str,
    title: str = "", scale: str = "", low: str = "", middle: str = "", high: str = "",
) -> Panel:  # fmt: skip
    panels.save(rgb, canvas.path(f"{stem}.png"))
    return Panel(title=title, file=f"{stem}.png", alt=alt, scale=scale, low=low, middle=middle, high=high)
