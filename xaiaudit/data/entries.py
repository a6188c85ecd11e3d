"""What is known of one image before it is decoded, and how it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xaiaudit.data.reading import read_grey, read_mask
from xaiaudit.types import Affine, GreyImage, Mask, Spacing

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in source pixels, half-open


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """A decoded image, and where it lies in its file: all of it, or a part from pixel (`top`, `left`) on."""

    image: GreyImage
    source_shape: tuple[int, int]  # of all of the file, rows and columns
    top: int = 0
    left: int = 0

    @property
    def affine(self) -> Affine:
        """From pixels of the file to those of `image`, as in `Sample`."""
        return np.array([[1.0, 0.0, -self.left], [0.0, 1.0, -self.top]])


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one image before it is decoded. No mask: no outline is known, unless `no_lesion`."""

    file: str  # relative to the dataset's folder, with forward slashes
    image: Path
    dataset: str  # name
    label: str | None = None
    case: str | None = None
    masks: tuple[Path, ...] = ()
    no_lesion: bool = False  # known to be free of lesions, so that its mask is empty
    spacing: Spacing | None = None  # mm per pixel: rows, columns
    boxes: tuple[Box, ...] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def outlined(self) -> bool:
        """Whether a lesion's outline is given."""
        return bool(self.masks)

    def pixels(self) -> Pixels:
        """Raises DataError naming the file where it cannot be read."""
        image = read_grey(self.image)
        return Pixels(image=image, source_shape=image.shape)

    def outline(self, pixels: Pixels) -> Mask | None:
        """The lesion mask on the grid of `pixels`, this entry's own; None where none is known.

        Raises:
            DataError: a mask that cannot be read or does not fit the image.
        """
        return read_mask(self.masks, pixels.image.shape) if self.outlined or self.no_lesion else None
