"""The findings of a data check that concern one image each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from xaiaudit.data.burned_in import COLOURED_PIXELS
from xaiaudit.data.entries import Box
from xaiaudit.data.findings import Finding, Item
from xaiaudit.data.looks import Look

TINY = 0.001  # of the image: at 224 x 224 pixels, 50 of them
BOX_IOU = 0.5  # a box drawn with a margin still overlaps its mask by more
GREY_MODES = ("1", "L", "I", "I;16", "I;16B")

_Rule = tuple[str, Literal["error", "note"], str, Callable[[Look], str | None]]


def image_findings(looks: Sequence[Look]) -> Iterator[Finding]:
    """One finding a rule of `_RULES`, with an item for each image to which it applies; it may have none."""
    for kind, severity, words, rule in _RULES:
        details = [(seen.name, rule(seen)) for seen in looks]
        items = tuple(Item(files=(name,), detail=detail) for name, detail in details if detail is not None)
        yield Finding(kind=kind, severity=severity, words=words, items=items)


def _mask_unusable(seen: Look) -> str | None:
    return seen.mask_error


def _empty_mask(seen: Look) -> str | None:
    empty = seen.lesion is not None and seen.lesion.bounds is None
    return f"labelled {seen.entry.label or 'nothing'}" if empty and seen.entry.label != "normal" else None


def _empty_mask_of_a_normal(seen: Look) -> str | None:
    empty = seen.lesion is not None and seen.lesion.bounds is None
    return "" if empty and seen.entry.label == "normal" else None


def _normal_with_lesion(seen: Look) -> str | None:
    outlined = seen.lesion is not None and seen.lesion.bounds is not None
    return "" if outlined and seen.entry.label == "normal" else None


def _no_mask(seen: Look) -> str | None:
    return None if seen.entry.outlined else f"labelled {seen.entry.label or 'nothing'}"


def _table_size(seen: Look) -> str | None:
    rows, columns = seen.shape
    wrong = [
        f"{name} {declared} in the table, {true} in the image"
        for name, true in (("width", columns), ("height", rows))
        if (declared := seen.entry.attributes.get(name, "")).isdigit() and int(declared) != true
    ]
    return "; ".join(wrong) or None


def _box_outside(seen: Look) -> str | None:
    rows, columns = seen.shape
    outside = [box for box in seen.entry.boxes or () if min(box) < 0 or box[2] > columns or box[3] > rows]
    return f"box {_words(outside[0])} in an image of {columns} x {rows}" if outside else None


def _box_off_the_mask(seen: Look) -> str | None:
    boxes, lesion = seen.entry.boxes, seen.lesion
    if not boxes or lesion is None or lesion.bounds is None:
        return None
    hull = tuple(f(box[k] for box in boxes) for k, f in enumerate((min, min, max, max)))
    box: Box = (hull[0], hull[1], hull[2], hull[3])
    if _iou(box, lesion.bounds) >= BOX_IOU:
        return None
    return f"box {_words(box)}, mask within {_words(lesion.bounds)} (x0, y0, x1, y1)"


def _iou(a: Box, b: Box) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (sum(areas) - common)


def _words(box: Box) -> str:
    return ", ".join(f"{value:g}" for value in box)


def _tiny(seen: Look) -> str | None:
    if seen.lesion is None or seen.lesion.bounds is None:
        return None
    share = seen.lesion.pixels / (seen.shape[0] * seen.shape[1])
    return f"{seen.lesion.pixels} pixels, {100 * share:.2g} % of the image" if share < TINY else None


def _several_masks(seen: Look) -> str | None:
    return f"{len(seen.entry.masks)} mask files" if len(seen.entry.masks) > 1 else None


def _not_grey(seen: Look) -> str | None:
    return None if seen.mode in GREY_MODES else f"mode {seen.mode}"


def _mask_mode(seen: Look) -> str | None:
    odd = sorted(set(seen.mask_modes) - set(GREY_MODES))
    return f"mask mode {', '.join(odd)}" if odd else None


def _transparent(seen: Look) -> str | None:
    return f"{seen.transparent} pixels" if seen.transparent else None


def _coloured(seen: Look) -> str | None:
    return f"{seen.coloured} coloured pixels" if seen.coloured >= COLOURED_PIXELS else None


def _writing(seen: Look) -> str | None:
    return "" if seen.writing else None


def _calipers(seen: Look) -> str | None:
    return f"{seen.calipers} crosses" if seen.calipers else None


_RULES: Sequence[_Rule] = (
    ("mask-unusable", "error", "images with a mask that does not fit or cannot be read", _mask_unusable),
    (
        "empty-mask",
        "error",
        "images with a mask without a pixel, though their label is not normal",
        _empty_mask,
    ),
    ("normal-with-lesion", "error", "images labelled normal with a lesion outlined", _normal_with_lesion),
    ("table-size", "error", "images of another size than their table says", _table_size),
    ("box-outside", "error", "images with a box that reaches outside", _box_outside),
    ("box-off-mask", "error", "images with a box that is not the mask's", _box_off_the_mask),
    (
        "empty-mask-normal",
        "note",
        "images labelled normal with a mask without a pixel",
        _empty_mask_of_a_normal,
    ),
    ("no-mask", "note", "images without a mask file", _no_mask),
    ("several-masks", "note", "images with several mask files, of which the union is taken", _several_masks),
    ("tiny-lesion", "note", "images with a lesion below 0.1 % of their pixels", _tiny),
    ("not-grey", "note", "images in a file that is not grey; read as luminance", _not_grey),
    ("mask-mode", "note", "images with a mask file that is not black and white or grey", _mask_mode),
    ("transparent", "note", "images with transparent pixels; read as black", _transparent),
    ("coloured", "note", "images with coloured pixels (Doppler, frames or letters)", _coloured),
    ("writing", "note", "images with possible writing, which can name a patient: look at them", _writing),
    ("calipers", "note", "images with possible calipers, which show a network where to look", _calipers),
)
