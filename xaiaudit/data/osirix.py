"""Outlines as OsiriX exports them: an Apple property list in XML, `Images`, in each `ROIs`, in each `Point_px`."""

import plistlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
from skimage.draw import polygon2mask

from xaiaudit.errors import DataError
from xaiaudit.types import Mask

Points = tuple[tuple[float, float], ...]  # x, y in pixels
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_POINT = re.compile(rf"\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """One region of interest: what it was named, and the corners of its polygon (one of a point)."""

    name: str
    points: Points


def read_outlines(path: Path) -> tuple[Outline, ...]:
    """All of a file, in its order.

    Raises:
        DataError: not such a file, or a region whose points are not as many as it says, or no pairs of numbers.
    """
    try:
        with path.open("rb") as file:
            images: Sequence[Mapping[str, Any]] = plistlib.load(file, fmt=plistlib.FMT_XML)["Images"]
        return tuple(_outline(region) for image in images for region in image["ROIs"])
    except (ExpatError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        words = " ".join(str(error).split())
        raise DataError(
            f"{path}: not outlines as OsiriX exports them ({type(error).__name__}: {words}); copy it again"
        ) from None


def fill(points: Points, shape: tuple[int, int]) -> Mask:
    """The pixels, (h, w), whose centres lie in the polygon, whole numbers being centres; what is outside is cut."""
    corners = np.array([(y, x) for x, y in points], np.float64)
    filled: Mask = polygon2mask(shape, corners)
    return filled


def _outline(region: Mapping[str, Any]) -> Outline:
    texts: Sequence[str] = region["Point_px"]
    if region["NumberOfPoints"] != len(texts):
        raise ValueError(f"{len(texts)} points where {region['NumberOfPoints']} are told")
    return Outline(name=str(region.get("Name", "")).strip(), points=tuple(_point(text) for text in texts))


def _point(text: str) -> tuple[float, float]:
    found = _POINT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a point (x, y)")
    return float(found[1]), float(found[2])
