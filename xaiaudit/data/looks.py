"""One look at each image and its masks: every fact that a data check needs, without keeping the pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

from xaiaudit.data.burned_in import coloured_pixels, count_calipers, has_writing
from xaiaudit.data.duplicates import thumbnails
from xaiaudit.data.entries import Box, Entry, Pixels
from xaiaudit.data.reading import pixel_hash
from xaiaudit.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Lesion:
    pixels: int
    bounds: Box | None  # x0, y0, x1, y1, half-open; None: the mask is empty


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    name: str
    entry: Entry
    mode: str  # of the image file
    mask_modes: tuple[str, ...]
    shape: tuple[int, int]  # rows, columns
    sha256: str
    thumbnail: Float32[np.ndarray, "1024"]
    coloured: int  # pixels
    transparent: int  # pixels
    writing: bool
    calipers: int
    lesion: Lesion | None  # None: no mask, or none that can be used
    mask_error: str | None


def look(entry: Entry, name: str) -> Look:
    """Decode and measure one image.

    Raises:
        DataError: the image cannot be read. A mask that cannot be used is a `mask_error` instead.
    """
    pixels = entry.pixels()
    image = pixels.image
    lesion, mask_error = _lesion(entry, pixels)
    mode, coloured, transparent = _colours(entry)
    return Look(
        name=name,
        entry=entry,
        mode=mode,
        mask_modes=() if mask_error else tuple(_mode(mask) for mask in entry.masks),
        shape=image.shape,
        sha256=pixel_hash(image),
        thumbnail=thumbnails([image])[0],
        coloured=coloured,
        transparent=transparent,
        writing=has_writing(image),
        calipers=count_calipers(image),
        lesion=lesion,
        mask_error=mask_error,
    )


def _lesion(entry: Entry, pixels: Pixels) -> tuple[Lesion | None, str | None]:
    try:
        mask = entry.outline(pixels) if entry.outlined else None
    except DataError as error:
        return None, str(error)
    if mask is None:
        return None, None
    if not mask.any():
        return Lesion(pixels=0, bounds=None), None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    bounds = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    return Lesion(pixels=int(mask.sum()), bounds=bounds), None


def _colours(entry: Entry) -> tuple[str, int, int]:
    """Mode, coloured pixels, transparent pixels."""
    if entry.image.suffix.lower() == ".dcm":
        return "I;16", 0, 0  # `read_dicom` refuses colour
    with Image.open(entry.image) as image:
        if image.mode not in ("RGB", "RGBA", "P", "PA", "LA"):
            return image.mode, 0, 0
        levels = np.asarray(image.convert("RGBA"))
        return image.mode, coloured_pixels(levels[..., :3]), int((levels[..., 3] < 255).sum())


def _mode(path: Path) -> str:
    with Image.open(path) as image:
        return image.mode
