"""Of a comparison's report: the images whose maps drifted most, with the maps of both checkpoints."""

from pathlib import Path

import numpy as np

from xaiaudit.comparison_record import ComparisonRecord, DriftCase, MapOf
from xaiaudit.data.regions import regions
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Case, Pair, Panel, Section, Text, not_assessed
from xaiaudit.reports.figures import panels
from xaiaudit.reports.reading import read_picture
from xaiaudit.reports.sections.gallery import SEQUENTIAL, SIGNED

TITLE = "Maps that drifted most"
LEGEND = (
    "The clean image as the network sees it, where the gallery of an audit holds it; then the map of the "
    "older and of the newer checkpoint, both explaining the decision that is named. Solid line: lesion. "
    "Dashed line: outer edge of the ring; without the image both follow the cells of the map. Cross: the "
    "map’s maximum. Each map has its own colour scale with its raw values, which have no unit."
)


def gallery_section(record: ComparisonRecord, canvas: Canvas) -> Section:
    if not record.gallery:
        return Section(title=TITLE, blocks=[not_assessed("no map that could be compared moved")])
    panels.save_scale(canvas.path(SEQUENTIAL), signed_map=False)
    panels.save_scale(canvas.path(SIGNED), signed_map=True)
    signed = {item.explainer_id: item.signed for item in record.drift}
    blocks: list[Block] = [Text(text=LEGEND, style="note")]
    blocks += [
        _case(record, canvas, number, case, signed[case.explainer_id])
        for number, case in enumerate(record.gallery, 1)
    ]
    return Section(title=TITLE, blocks=blocks, new_page=True)


def _case(record: ComparisonRecord, canvas: Canvas, number: int, case: DriftCase, signed_map: bool) -> Case:
    images, codes = [], _codes(case, record.ring_mm)
    if "clean" in case.pictures:
        rgb = panels.grey_panel(read_picture(Path(case.pictures["clean"])), case.spacing)
        images.append(
            _panel(
                canvas, f"drift-{number}-clean", "Clean image", rgb, f"Clean image {f.printable(case.image)}"
            )
        )
    label = f.printable(case.label) if case.label else "unknown"
    both = [
        _map(canvas, number, which, case, item, codes, signed_map=signed_map)
        for which, item in (("older", case.before), ("newer", case.after))
    ]
    return Case(
        badge=f"{f.printable(case.explainer_id)}: {case.why}",
        title=f.breakable(case.image),
        caption=f"Label {label}. Both decide {f.printable(case.decision)}.",
        images=images,
        pairs=[Pair(title=f.printable(case.explainer_id), panels=(both[0], both[1]))],
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
    canvas: Canvas,
    number: int,
    which: str,
    case: DriftCase,
    item: MapOf,
    codes: np.ndarray | None,
    *,
    signed_map: bool,
) -> Panel:
    saliency = np.array(item.values, np.float64).reshape(item.grid)
    if codes is None:
        side = -(-panels.PIXELS // max(item.grid))
        codes = np.kron(np.array(item.cells, np.uint8).reshape(item.grid), np.ones((side, side), np.uint8))
    rgb, low, high = panels.map_panel(saliency, codes, signed_map=signed_map, peak=item.peak)
    undefined = "" if item.peak is not None else ": undefined"
    alt = (
        f"Map of {f.printable(case.image)} by {f.printable(case.explainer_id)}, {which} checkpoint{undefined}"
    )
    panel = _panel(canvas, f"drift-{number}-{which}", f"{which}{undefined}", rgb, alt)
    return Panel(
        title=panel.title,
        file=panel.file,
        alt=panel.alt,
        scale=SIGNED if signed_map else SEQUENTIAL,
        low=f.number(low),
        middle="0" if signed_map else "",
        high=f.number(high),
    )


def _panel(canvas: Canvas, stem: str, title: str, rgb: panels.Rgb, alt: str) -> Panel:
    panels.save(rgb, canvas.path(f"{stem}.png"))
    return Panel(title=title, file=f"{stem}.png", alt=alt)
