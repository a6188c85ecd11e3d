"""What a change of the acquisition knows of an image beside its pixels, and what it gives back."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from xaiaudit.types import IDENTITY, Mask, Spacing

Grey = Float[np.ndarray, "h w"]  # the log-compressed image, in [0, 1]
Motion = Float[
    np.ndarray, "2 3"
]  # where a point (row, column, 1) of the first sweep lies in the second, pixels

DEPTH_MM = 40.0  # shown by an image without spacing; BrEaST's have it, and show 42 in the median
DYNAMIC_RANGE_DB = 60.0  # of echo amplitudes between black and white; scanners show 50 to 70
AXIAL_MM, LATERAL_MM = (
    0.4,
    0.8,
)  # full widths at half maximum of the point spread; BUSI's speckle is as coarse
SIGMAS_PER_WIDTH = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian's full width at half maximum


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """Which pixels of the grid are real, and how large one is: as known, or as assumed from `DEPTH_MM`."""

    valid: Mask
    spacing: Spacing  # mm per pixel, rows (depth) and columns

    @property
    def box(self) -> tuple[slice, slice]:
        """The rows and columns of the real pixels; depth runs down in it."""
        rows, columns = (np.flatnonzero(self.valid.any(axis)) for axis in (1, 0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def pixels(self, axial_mm: float, lateral_mm: float) -> tuple[float, float]:
        """Lengths along depth and across it, in pixels."""
        return axial_mm / self.spacing[0], lateral_mm / self.spacing[1]

    @property
    def point_spread(self) -> tuple[float, float]:
        """Standard deviations of the point spread along depth and across it, in pixels."""
        axial, lateral = self.pixels(AXIAL_MM, LATERAL_MM)
        return axial / SIGMAS_PER_WIDTH, lateral / SIGMAS_PER_WIDTH

    def smooth(self, values: Grey, sigmas: tuple[float, float]) -> Grey:
        """Gaussian means (standard deviations in pixels) over real pixels alone; 0 far from any."""
        weights = ndimage.gaussian_filter(self.valid.astype(np.float64), sigmas, mode="constant")
        sums = ndimage.gaussian_filter(np.where(self.valid, values, 0.0), sigmas, mode="constant")
        return np.asarray(np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 1e-9))


class Changed(NamedTuple):
    """An image as the second sweep shows it, and where each of its points went."""

    image: Grey
    motion: Motion = IDENTITY


@runtime_checkable
class Change(Protocol):
    """A frozen dataclass of strengths, callable; every draw comes from `rng`, so that an image decides alone."""

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed: ...

    def describe(self) -> str:
        """One line in words: what changes, and by how much."""
        ...


def view_of(valid: Mask, spacing: Spacing | None, aspect: float = 1.0) -> View:
    """The view of an image; without spacing, `DEPTH_MM` for the height of its real pixels.

    `aspect` is pixel height over pixel width, for stretched images without spacing.
    """
    if spacing is None:
        height = DEPTH_MM / max(1, int(valid.any(1).sum()))
        spacing = (height, height / aspect)
    return View(valid=valid, spacing=spacing)


def brighter(image: Grey, decibels: Grey | float) -> Grey:
    """The image with echoes louder by so many decibels, at most 6 up or down.

    Loudness is multiplied, so the compressed grey level rises by a constant. What was clipped to black or white stays
    so, as nobody knows how far beyond it lay; the constant fades out over the last tenth of the scale before either.
    """
    room = np.minimum(1.0, 10 * np.minimum(image, 1 - image))
    return np.asarray(np.clip(image + decibels / DYNAMIC_RANGE_DB * room, 0, 1))
