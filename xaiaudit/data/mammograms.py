"""A mammogram in DICOM, cropped to the breast, with one mass."""

from dataclasses import dataclass

import numpy as np

from xaiaudit.data.breast import breast
from xaiaudit.data.dicom import read_dicom
from xaiaudit.data.entries import Entry, Pixels
from xaiaudit.data.osirix import Points, fill
from xaiaudit.errors import DataError
from xaiaudit.types import Mask

_OUTSIDE = (
    0.05  # of a mass's pixels may lie outside the breast: a line drawn by hand runs a little over the skin
)


@dataclass(frozen=True, kw_only=True)
class MammogramEntry(Entry):
    """Its mask is the polygon `mass`, in pixels of the whole DICOM image, filled; None and `no_lesion`: a normal."""

    mass: Points | None = None

    @property
    def outlined(self) -> bool:
        return self.mass is not None

    def pixels(self) -> Pixels:
        """The breast in 8 bits: the levels of `read_dicom` times 255, rounded."""
        levels = read_dicom(self.image)
        rows, columns = breast(levels)
        return Pixels(
            image=np.rint(levels[rows, columns] * 255).astype(np.uint8),
            source_shape=levels.shape,
            top=rows.start,
            left=columns.start,
        )

    def outline(self, pixels: Pixels) -> Mask | None:
        """The mass in the crop.

        Raises:
            DataError: it holds no pixel, or more than 5 % of it lie outside the breast that was found.
        """
        height, width = pixels.image.shape
        if self.mass is None:
            return np.zeros((height, width), bool) if self.no_lesion else None
        whole = fill(self.mass, pixels.source_shape)
        kept = whole[pixels.top : pixels.top + height, pixels.left : pixels.left + width]
        size = int(whole.sum())
        if size == 0:
            raise DataError(
                f"{self.image}: the outline of {self.file} holds no pixel of it; mend the outline"
            )
        outside = size - int(kept.sum())
        if outside > _OUTSIDE * size:
            raise DataError(
                f"{self.image}: {100 * outside / size:.0f} % of the mass lies outside the breast that was found, in "
                f"rows {pixels.top} to {pixels.top + height} and columns {pixels.left} to {pixels.left + width}; mend "
                "the outline"
            )
        return kept
