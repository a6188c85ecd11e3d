"""Cases to look at: the worst, typical ones, and ones drawn by the seed before any result was known."""

from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc

from xaiaudit.data.regions import regions
from xaiaudit.records import AttackRecord, ExplainerRecord, GalleryCase
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Case, Pair, Panel, Section, Text, not_assessed
from xaiaudit.reports.figures import panels
from xaiaudit.reports.reading import EXTREME_COLUMN, OVERLAP_COLUMN, Audit, read_picture

TARGET = "same"  # maps explain the clean decision before and after, as in map shift
SEQUENTIAL, SIGNED = "scale-sequential.png", "scale-signed.png"
LEGEND = (
    "First the clean image as the network sees it (white bar: 10 mm, where the spacing is known); the perturbation "
    "before rounding to 8 bits, signed (the largest 1 % may be clipped), magnified by the factor printed above it; the "
    "adversarial image, rounded to 8 bits. Then of each explainer the map before and after the attack, for the same "
    "class; after the attack maps, decisions and probabilities are of the image before rounding. Solid line: lesion. "
    "Dashed line: outer edge of the ring. Cross: the map's maximum. Each map has its own colour scale "
    "with its raw values, which have no unit; maps are drawn by bilinear interpolation of their grid, of at most "
    "28 × 28 cells."
)
OUTLINES = (
    "Under “Outlines” the same two images with lines: solid and white the reader’s outline of the lesion, dashed and "
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
    """One block a case, in the audit's order."""
    cases = audit.record.gallery
    if not cases:
        return Section(title="Gallery", blocks=[not_assessed("the audit kept no gallery cases")])
    panels.save_scale(canvas.path(SEQUENTIAL), signed_map=False)
    panels.save_scale(canvas.path(SIGNED), signed_map=True)
    kinds = [text for kind, text in KINDS.items() if any(case.kind == kind for case in cases)]
    legend = f"{LEGEND} {OUTLINES}" if any("predicted" in case.files for case in cases) else LEGEND
    blocks: list[Block] = [Text(text=" ".join(kinds)), Text(text=legend, style="note")]
    attacks = {attack.id: attack for attack in audit.record.attacks}
    for number, case in enumerate(cases, 1):
        blocks.append(_case(audit, canvas, number, case, attacks.get(case.attack_id)))
    return Section(title="Gallery", blocks=blocks, new_page=True)


def _case(audit: Audit, canvas: Canvas, number: int, case: GalleryCase, attack: AttackRecord | None) -> Case:
    clean, adversarial, rounded, codes, calibrated = _pixels(audit, case)
    name = f.printable(case.image)
    paint = partial(_panel, canvas, f"case-{number}")
    images = [
        paint(
            "clean", "Clean image", panels.grey_panel(clean, case.spacing), f"Clean B-mode image of {name}"
        ),
        _perturbation(paint, name, clean, adversarial),
        paint("adversarial", "Adversarial image", panels.grey_panel(rounded), f"Adversarial image of {name}"),
    ]
    pairs = [
        *_outlines(audit, paint, case, clean, rounded),
        *_map_pairs(audit, paint, case, codes),
    ]
    flip = f"{f.printable(case.decision_before)} → {f.printable(case.decision_after)}"
    positive = f.printable(audit.record.checkpoint.positive)
    ring = "ring in true millimetres" if calibrated else "relative ring, no calibration"
    caption = (
        f"Label {f.printable(case.label) if case.label else 'unknown'}. Decision "
        f"{flip}{'' if case.decision_before != case.decision_after else ' (stands)'}; probability of "
        f"{positive} {f.probability(case.probability_before)} → {f.probability(case.probability_after)}; "
        f"largest change {words.radius('linf', case.linf)}.{_of_the_outline(audit, case)} {words.capital(ring)}."
    )
    under = f.printable(attack.id if attack else case.attack_id)
    return Case(
        badge=f"{case.kind}, {under}",
        title=f.breakable(case.image),
        caption=caption,
        images=images,
        pairs=pairs,
    )


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


def _outlines(
    audit: Audit, paint: "partial[Panel]", case: GalleryCase, clean: np.ndarray, rounded: np.ndarray
) -> list[Pair]:
    """The masks that the model draws; nothing without a mask head."""
    if "predicted" not in case.files:
        return []
    reader, before, after = (
        read_picture(audit.folder / case.files[key]) > 127 if key in case.files else None
        for key in ("mask", "predicted_clean", "predicted")
    )
    panel = {}
    for when, image, drawn in (("before", clean, before), ("after", rounded, after)):
        if drawn is None:
            continue
        nothing = "" if drawn.any() else ": nothing drawn"
        alt = f"{f.printable(case.image)} {when} the attack with the reader’s and the predicted outline{nothing}"
        rgb = panels.outline_panel(image, reader, drawn)
        panel[when] = paint(f"outline-{when}", f"{when}{nothing}", rgb, alt)
    return [Pair(title="Outlines", panels=(panel.get("before"), panel.get("after")))]


def _map_pairs(audit: Audit, paint: "partial[Panel]", case: GalleryCase, codes: np.ndarray) -> list[Pair]:
    """The maps of each explainer before and after."""
    return [
        Pair(
            title=f.printable(explainer.id),
            panels=(
                _map(audit, paint, case, explainer, codes, "before"),
                _map(audit, paint, case, explainer, codes, "after"),
            ),
        )
        for explainer in audit.record.explainers
    ]


def _perturbation(paint: "partial[Panel]", name: str, clean: np.ndarray, adversarial: np.ndarray) -> Panel:
    rgb, magnification, reach = panels.perturbation_panel(clean, adversarial)
    alt = f"Perturbation of {name}, magnified {magnification} times, signed about mid grey"
    ends = (f"−{f.number(reach)}", "0", f"+{f.number(reach)}")
    title = f"Perturbation × {magnification},\ngrey levels"
    return paint("perturbation", title, rgb, alt, SIGNED, *ends)


def _pixels(audit: Audit, case: GalleryCase) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Clean, adversarial (float and 8-bit), region codes, and whether the ring is calibrated."""

    def grey(key: str) -> np.ndarray:
        return read_picture(audit.folder / case.files[key])

    clean, rounded, adversarial = grey("clean"), grey("adversarial"), grey("adversarial_float")
    mask = grey("mask") > 127 if "mask" in case.files else np.zeros(clean.shape, bool)
    valid = grey("valid") > 127 if "valid" in case.files else None
    found = regions(mask, spacing=case.spacing, valid=valid, ring_mm=audit.record.regions.ring_mm)
    return clean, adversarial, rounded, found.codes, found.calibrated


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
    undefined = "" if row["defined"] else ": undefined"
    name = f.printable(explainer.id)
    alt = (
        f"Saliency map of {f.printable(case.image)} by {name} {when} the attack{undefined}, regions outlined"
    )
    ends = (f.number(low), "0" if explainer.signed else "", f.number(high))
    scale = SIGNED if explainer.signed else SEQUENTIAL
    return paint(
        f"{when}-{audit.record.explainers.index(explainer)}",
        f"{when}{undefined}",
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
