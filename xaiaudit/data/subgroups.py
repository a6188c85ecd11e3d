"""Which subgroup an image is in: the scanner, the reader's BI-RADS category, and the size of its lesion."""

import math
import re
from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from xaiaudit.data.regions import TOUCHING
from xaiaudit.types import Sample

MILLIMETRES = (10, 20)  # T1b | T1c | T2 of the TNM classification, there of the largest extent
SHARES = (4, 10)  # % of the image; about a third each of BUSI's 647 lesions and of 557 of BUS-BRA
RELATIVE = "relative: "  # begins the values of images without spacing
_UNKNOWN = {"", "-", "?", "na", "n/a", "nan", "none", "null", "unknown", "not available", "not applicable"}
_CATEGORY = re.compile(r"(?:(?:BI-?RADS|CATEGORY)[ :]*)*([0-6][ABC]?)(?:\.0)?")


def subgroups(sample: Sample) -> dict[str, str | None]:
    """Device, BI-RADS category and size of the lesion, None where one is not known. `sample` on its source grid.

    Device and BI-RADS category come from the dataset's attributes of these names, whatever their case and dashes:
    the columns Device and BIRADS of BUS-BRA, BIRADS of BrEaST-Lesions-USG, `device` and `birads` of a manifest.
    """
    read = {name: canonical(name, _attribute(sample, name)) for name in ("device", "birads")}
    return {**read, "size": size(sample)}


def canonical(attribute: str, text: str) -> str | None:
    """A value of device, BI-RADS category or size as the tables have it, so that two spellings are one subgroup.

    What a policy asks for goes through it too; other attributes stay as they are.

    Capital letters and single spaces; a device without the band of its probe ("GE Logiq 7 @10-14MHz": GE LOGIQ 7); a
    category as 0 to 6 or 4A to 4C, without the word BI-RADS. Words for not knowing are None; other text is kept, for
    what was written of an image must not vanish.
    """
    if attribute not in ("device", "birads", "size"):
        return text
    words = " ".join(text.split())
    if attribute == "device":
        words = words.partition("@")[0].strip()
    if words.lower() in _UNKNOWN:
        return None
    if attribute == "size":
        return words.lower()
    words = words.upper()
    if attribute == "device":
        return words
    category = _CATEGORY.fullmatch(words)
    return category[1] if category else words


def size(sample: Sample) -> str | None:
    """Of the largest lesion, by fixed cuts: "up to 10 mm", "10 to 20 mm" or "over 20 mm" of the equivalent diameter.

    Without spacing by its share of the real pixels, and the value says so: "relative: up to 4 %", "relative: 4 to
    10 %", "relative: over 10 %". A lesion at a cut is in the smaller group. None without an outlined lesion.

    The equivalent diameter is that of the disc of the lesion's area: TNM's cuts are of the largest extent, which is
    longer.
    """
    if sample.mask is None:
        return None
    valid = np.ones_like(sample.mask) if sample.valid is None else sample.valid
    components, count = ndimage.label(sample.mask & valid, TOUCHING)
    if not count:
        return None
    pixels = int(np.bincount(components.ravel())[1:].max())
    if sample.spacing is None:
        return RELATIVE + _between(100 * pixels / int(valid.sum()), SHARES, "%")
    area = pixels * sample.spacing[0] * sample.spacing[1]
    return _between(math.sqrt(4 * area / math.pi), MILLIMETRES, "mm")


def _attribute(sample: Sample, name: str) -> str:
    """As read; empty where there is none."""
    plain: Mapping[str, str] = {
        re.sub(r"[^a-z0-9]", "", key.lower()): text for key, text in sample.attributes.items()
    }
    return plain.get(name, "")


def _between(value: float, cuts: tuple[int, int], unit: str) -> str:
    low, high = cuts
    return _names(cuts, unit)[(value > low) + (value > high)]


def _names(cuts: tuple[int, int], unit: str) -> tuple[str, str, str]:
    low, high = cuts
    return f"up to {low} {unit}", f"{low} to {high} {unit}", f"over {high} {unit}"


SIZES = (
    *_names(MILLIMETRES, "mm"),
    *(f"{RELATIVE}{name}" for name in _names(SHARES, "%")),
)  # in rising order
