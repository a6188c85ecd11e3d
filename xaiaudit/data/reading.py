"""From files to grey pixels and outlines. Nothing is guessed: what is unclear is an error."""

import struct
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from xaiaudit.errors import DataError
from xaiaudit.types import GreyImage, Mask

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".dcm"))
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I", "I;16", "I;16B")
# All that Pillow's decoders were seen to raise on damaged files.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def is_image(path: Path) -> bool:
    """By its suffix, so that a damaged image counts as one. Hidden files (macOS writes `._x.png`) do not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def read_grey(path: Path) -> GreyImage:
    """One image as grey levels, uint8 (h, w), turned as its EXIF orientation says.

    Colour becomes luminance (ITU-R 601), and what is transparent is black. 16-bit levels are divided by 257,
    the full range of the format and not the image's own, so that images stay comparable.

    Raises:
        DataError: no such file; damaged or truncated; several frames; a mode without a known range; a 16-bit
            file so dark that it must hold fewer bits than its format.
    """
    image = _decode(path)
    if image.mode.startswith("I"):
        return _from_16_bits(np.asarray(image), path)
    return np.asarray(_over_black(image).convert("L"))


def read_mask(paths: Sequence[Path], shape: tuple[int, int]) -> Mask:
    """The union of all mask files of one image, bool (h, w).

    In a file of two levels the brighter is the lesion; in a smooth one, the upper half of the range. One
    level is all lesion, or none if it is black. The level of a colour is its brightest channel.

    Raises:
        DataError: unreadable; of another size than `shape`, its image's; levels that leave the lesion open.
    """
    union = np.zeros(shape, dtype=bool)
    for path in paths:
        image = _decode(path)
        if image.size[::-1] != shape:
            raise DataError(
                f"{path}: the mask is {image.width} x {image.height} pixels and its image {shape[1]} x "
                f"{shape[0]}; they must be equal, so export the mask again at the image's size"
            )
        union |= _lesion(image, path)
    return union


def pixel_hash(image: GreyImage) -> str:
    """sha256, hex, of the shape and the grey pixels: the same in every lossless file format."""
    rows, columns = image.shape
    return sha256(f"{rows}x{columns}:".encode() + image.tobytes()).hexdigest()


def _decode(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)  # single-frame formats do not have it
            if frames > 1:
                raise DataError(f"{path}: holds {frames} frames; save one file a frame")
            image.load()
            mode = image.mode
            turned = ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (PermissionError, IsADirectoryError) as error:
        raise DataError(f"{path}: {error.strerror}; name a file that may be read") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image that can be read; save it as PNG") from None
    except _UNREADABLE as error:
        raise DataError(
            f"{path}: damaged or truncated ({_one_line(error)}); copy it again from its source"
        ) from None
    if mode not in MODES:
        raise DataError(f"{path}: mode {mode} has no known grey range; save it as 8-bit grey or RGB")
    return turned


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _over_black(image: Image.Image) -> Image.Image:
    """L or RGB; what is transparent becomes black, as the surroundings of a B-mode image are."""
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        colour = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colour.size, (0, 0, 0, 255)), colour).convert("RGB")
    return image.convert("RGB") if image.mode == "P" else image.convert("L") if image.mode == "1" else image


def _from_16_bits(levels: np.ndarray[Any, Any], path: Path) -> GreyImage:
    low, high = int(levels.min()), int(levels.max())
    if low < 0 or high > 65535 or 0 < high < 4096:
        raise DataError(
            f"{path}: its levels run from {low} to {high}, so that the range of its 16 bits is not known; "
            "save it as 8-bit grey"
        )
    return np.rint(levels / 257).astype(np.uint8)


def _lesion(image: Image.Image, path: Path) -> Mask:
    if image.mode.startswith("I"):
        levels, full = np.asarray(image), 65535
    else:
        levels, full = np.asarray(_over_black(image)), 255
    if levels.ndim == 3:
        levels = levels.max(2)
    distinct = np.unique(levels)
    if distinct.size <= 2:
        return levels > (distinct[0] if distinct.size == 2 else 0)
    if levels.max() <= full // 2:
        raise DataError(
            f"{path}: a mask with several levels, none above {full // 2}, leaves open which are the lesion; "
            "save it in black and white"
        )
    return levels > full // 2
