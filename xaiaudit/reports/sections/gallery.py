"""Cases to look at: the worst, typical ones, and ones drawn by the seed before any result was known."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc

from xaiaudit.data.regions import regions
from xaiaudit.records import ExplainerRecord, GalleryCase
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Case, CaseRow, Panel, Section, Text, not_assessed
from xaiaudit.reports.figures import panels
from xaiaudit.reports.reading import EXTREME_COLUMN, OVERLAP_COLUMN, Audit, read_picture
from xaiaudit.reports.sections.gallery_boxes import BOXES, boxes_legend, boxes_picture, of_the_boxes

ABREAST = 6  # panels of a row, each at least 20 mm wide
TARGET = "same"  # maps explain the clean decision before and after, as in map shift
SEQUENTIAL, SIGNED = "scale-sequential.png", "scale-signed.png"
LEGEND = (
    "Each image stands once: above the clean image as the network sees it with its maps (white bar: 10 mm, where the "
    "spacing is known), below it a row for each attack: the adversarial image, rounded to 8 bits; the perturbation "
    "before rounding, signed (the largest 1 % may be clipped), magnified by the factor named, with its scale in grey "
    "levels; the maps after the attack, for the class that was decided before it. Maps, decisions and probabilities "
    "are of the image before rounding. Solid line: lesion. "
    "Dashed line: outer edge of the ring. Cross: the map's maximum. Each map has its own colour scale "
    "with its raw values, which have no unit; maps are drawn by bilinear interpolation of their grid, of at most "
    "28 × 28 cells."
)
OUTLINES = (
    "Under “Outlines” the same image with lines: solid and white the reader’s outline of the lesion, dashed and "
    "orange the outline that the model draws on this image, after the attack before rounding to 8 bits. No solid line: "
    "no lesion, or none outlined; no dashed line: the model draws nothing. Under an attack on the mask alone the worst "
    "and the typical cases, missed cancers apart, go by how little of the clean mask is left."
)
KINDS = {
    "worst": "Worst: missed cancers first, then the cases whose logits fell furthest from the clean "
    "decision.",
    "typical": "Typical: the cases whose fall is nearest to the median.",
    "random": "Random: drawn by the audit’s seed before anything was known of the results.",
}


def gallery(audit: Audit, canvas: Canvas) -> Section:
    """One block an image, in the order in which the audit first shows it."""
    cases = audit.record.gallery
    if not cases:
        return Section(title="Gallery", blocks=[not_assessed("the audit kept no gallery cases")])
    panels.save_scale(canvas.path(SEQUENTIAL), signed_map=False)
    panels.save_scale(canvas.path(SIGNED), signed_map=True)
    kinds = [text for kind, text in KINDS.items() if any(case.kind == kind for case in cases)]
    legend = f"{LEGEND} {OUTLINES}" if any("predicted" in case.files for case in cases) else LEGEND
    legend += boxes_legend(audit.record.clean.detection)
    blocks: list[Block] = [Text(text=" ".join(kinds)), Text(text=legend, style="note")]
    images: dict[str, list[GalleryCase]] = {}
    for case in cases:
        images.setdefault(case.image, []).append(case)
    for number, group in enumerate(images.values(), 1):
        blocks += _image(audit, canvas, number, group)
    return Section(title="Gallery", blocks=blocks, new_page=True)


def _image(audit: Audit, canvas: Canvas, number: int, cases: list[GalleryCase]) -> list[Case]:
    """As many panels abreast as are legible; further explainers go into blocks of their own."""
    first = cases[0]
    masks = ["Outlines"] if any("predicted" in case.files for case in cases) else []
    boxes = [BOXES] if audit.gallery_boxes is not None else []
    columns = ["Image", "Perturbation", *masks, *boxes, *(f.printable(e.id) for e in audit.record.explainers)]
    attacked: dict[str, list[GalleryCase]] = {}
    for case in cases:
        attacked.setdefault(case.attack_id, []).append(case)
    rows = [_clean_row(audit, canvas, number, first, bool(masks))]
    rows += [_attack_row(audit, canvas, number, own, bool(masks)) for own in attacked.values()]
    calibrated = _pixels(audit, first)[-1]
    ring = "ring in true millimetres" if calibrated else "relative ring, no calibration"
    if "mask" not in first.files:
        ring = "no outlined lesion, so no ring"
    label = f.printable(first.label) if first.label else "unknown"
    caption = f"Label {label}. {words.capital(ring)}."
    return [
        Case(
            title=f.breakable(first.image) + (", further maps" if start else ""),
            caption=caption,
            columns=columns[start : start + ABREAST],
            rows=[replace(row, panels=row.panels[start : start + ABREAST]) for row in rows],
        )
        for start in range(0, len(columns), ABREAST)
    ]


def _clean_row(audit: Audit, canvas: Canvas, number: int, case: GalleryCase, masks: bool) -> CaseRow:
    clean, _, _, codes, _ = _pixels(audit, case)
    paint = partial(_panel, canvas, f"case-{number}-clean")
    name, positive = f.printable(case.image), f.printable(audit.record.checkpoint.positive)
    shown: list[Panel | None] = [
        paint("image", "", panels.grey_panel(clean, case.spacing), f"Clean B-mode image of {name}"),
        None,
    ]
    if masks:
        shown.append(_outline(audit, paint, case, clean, "before"))
    shown += _boxes(audit, paint, case, clean, "before")
    shown += [_map(audit, paint, case, explainer, codes, "before") for explainer in audit.record.explainers]
    return CaseRow(
        title="Clean",
        caption=f"Decided {f.printable(case.decision_before)}; probability of {positive} "
        f"{f.probability(case.probability_before)}.",
        panels=shown,
    )


def _attack_row(audit: Audit, canvas: Canvas, number: int, cases: list[GalleryCase], masks: bool) -> CaseRow:
    """Of one image under one attack, which may be a typical case and a random one at once."""
    case = cases[0]
    clean, adversarial, rounded, codes, _ = _pixels(audit, case)
    paint = partial(_panel, canvas, f"case-{number}-{_stem(audit, case)}")
    name = f.printable(case.image)
    under = f"{name} under {f.printable(case.attack_id)}"
    perturbation, magnification = _perturbation(paint, under, clean, adversarial)
    shown: list[Panel | None] = [
        paint("image", "", panels.grey_panel(rounded), f"Adversarial image of {under}"),
        perturbation,
    ]
    if masks:
        shown.append(_outline(audit, paint, case, rounded, "after"))
    shown += _boxes(audit, paint, case, rounded, "after")
    shown += [_map(audit, paint, case, explainer, codes, "after") for explainer in audit.record.explainers]
    stands = case.decision_before == case.decision_after
    kinds = f.listing(list(dict.fromkeys(own.kind for own in cases)))
    return CaseRow(
        title=f"{f.identifier(case.attack_id)}: {kinds}",
        caption=f"{'Still' if stands else 'Now'} {f.printable(case.decision_after)}; probability "
        f"{f.probability(case.probability_after)}. Largest change {words.radius('linf', case.linf)}. "
        f"Perturbation{f.NBSP}×{f.NBSP}{magnification}.{_of_the_outline(audit, case)}"
        f"{of_the_boxes(audit, case)}",
        panels=shown,
    )


def _stem(audit: Audit, case: GalleryCase) -> int:
    """A number for the attack, as its id may hold what no file name does."""
    return [attack.id for attack in audit.record.attacks].index(case.attack_id)


def _of_the_outline(audit: Audit, case: GalleryCase) -> str:
    """Dice with the reader's outline before and after, and what is left of the clean mask; without a mask nothing."""
    rows = audit.predictions.filter((pc.field("image") == case.image) & ~pc.field("quantised"))
    if "predicted" not in case.files or OVERLAP_COLUMN not in rows.column_names:
        return ""
    own = rows.filter((pc.field("attack_id") == case.attack_id) & ~pc.field("curve")).to_pylist()[0]
    clean = rows.filter(pc.field("attack_id") == "none").to_pylist()[0]
    said = []
    if clean["dice"] is not None and own["dice"] is not None:
        said.append(f"Dice {f.fixed(clean['dice'], 2)} → {f.fixed(own['dice'], 2)}")
    if own[OVERLAP_COLUMN] is not None:
        said.append(f"overlap with the clean mask {f.fixed(own[OVERLAP_COLUMN], 2)}")
    return f" Drawn outline: {', '.join(said)}." if said else ""


def _outline(
    audit: Audit, paint: "partial[Panel]", case: GalleryCase, image: np.ndarray, when: str
) -> Panel | None:
    """The mask that the model draws before or after, on the image; None where none was kept."""
    key = "predicted_clean" if when == "before" else "predicted"
    if key not in case.files:
        return None
    reader, drawn = (
        read_picture(audit.folder / case.files[name]) > 127 if name in case.files else None
        for name in ("mask", key)
    )
    assert drawn is not None
    nothing = "" if drawn.any() else "nothing drawn"
    alt = f"{f.printable(case.image)} {_told(case, when)} with the reader’s and the predicted outline"
    return paint("outline", nothing, panels.outline_panel(image, reader, drawn), f"{alt} {nothing}".rstrip())


def _boxes(
    audit: Audit, paint: "partial[Panel]", case: GalleryCase, image: np.ndarray, when: str
) -> list[Panel]:
    """What a detector draws before or after, on the image; none of another model."""
    found = boxes_picture(audit, case, image, attacked=when == "after")
    return (
        []
        if found is None
        else [
            paint(
                "boxes", found[1], found[0], f"{f.printable(case.image)} {_told(case, when)} with {found[2]}"
            )
        ]
    )


def _perturbation(
    paint: "partial[Panel]", name: str, clean: np.ndarray, adversarial: np.ndarray
) -> tuple[Panel, int]:
    """The picture, and by how much it is magnified."""
    rgb, magnification, reach = panels.perturbation_panel(clean, adversarial)
    alt = f"Perturbation of {name}, magnified {magnification} times, signed about mid grey"
    ends = (f"−{f.number(reach)}", "0", f"+{f.number(reach)}")
    return paint("perturbation", "", rgb, alt, SIGNED, *ends), magnification


def _pixels(audit: Audit, case: GalleryCase) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Clean, adversarial (float and 8-bit), region codes, and whether the ring is calibrated."""

    def grey(key: str) -> np.ndarray:
        return read_picture(audit.folder / case.files[key])

    clean, rounded, adversarial = grey("clean"), grey("adversarial"), grey("adversarial_float")
    mask = grey("mask") > 127 if "mask" in case.files else np.zeros(clean.shape, bool)
    valid = grey("valid") > 127 if "valid" in case.files else None
    found = regions(mask, spacing=case.spacing, valid=valid, ring_mm=audit.record.regions.ring_mm)
    return clean, adversarial, rounded, found.codes, found.calibrated


def _told(case: GalleryCase, when: str) -> str:
    return "before any attack" if when == "before" else f"after {f.printable(case.attack_id)}"


def _panel(
    canvas: Canvas, stem: str, key: str, title: str, rgb: panels.Rgb, alt: str,
    scale: str = "", low: str = "", middle: str = "", high: str = "",
) -> Panel:  # fmt: skip
    file = f"{stem}-{key}.png"
    panels.save(rgb, canvas.path(file))
    return Panel(title=title, file=file, alt=alt, scale=scale, low=low, middle=middle, high=high)


def _map(
    audit: Audit,
    paint: "partial[Panel]",
    case: GalleryCase,
    explainer: ExplainerRecord,
    codes: np.ndarray,
    when: str,
) -> Panel | None:
    """The map of a case, from maps.parquet; None where the table has none."""
    table = audit.gallery_maps
    attack, target = ("none", "own") if when == "before" else (case.attack_id, TARGET)
    wanted = {"image": case.image, "attack_id": attack, "explainer_id": explainer.id, "target": target}
    for column, value in wanted.items():
        table = table.filter(pc.equal(table[column], value))
    if not table.num_rows:
        return None
    row = table.slice(0, 1).to_pylist()[0]
    saliency = row["map_scale"] * np.array(row["map"], np.float64).reshape(
        row["grid_rows"], row["grid_columns"]
    )
    peak = _peak(row, saliency)
    rgb, low, high = panels.map_panel(saliency, codes, signed_map=explainer.signed, peak=peak)
    undefined = "" if row["defined"] else "undefined"
    name = f.printable(explainer.id)
    told = "regions outlined" if row["defined"] else "undefined, regions outlined"
    alt = f"Saliency map of {f.printable(case.image)} by {name} {_told(case, when)}, {told}"
    ends = (f.number(low), "0" if explainer.signed else "", f.number(high))
    scale = SIGNED if explainer.signed else SEQUENTIAL
    return paint(
        f"map-{audit.record.explainers.index(explainer)}",
        undefined,
        rgb,
        alt,
        scale,
        *ends,
    )


def _peak(row: dict[str, Any], saliency: np.ndarray) -> int | None:
    """The cell of the maximum; None where the map is undefined. Audits of older versions hold the map alone."""
    if not row["defined"]:
        return None
    cells = row.get(EXTREME_COLUMN)
    return int(saliency.argmax()) if cells is None else int(cells[0])
