"""Which regions every point of an image belongs to, within a tolerance; "any" is lesion, ring or posterior."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from xaiaudit.metrics.grids import centre_pixels
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Flags, Mask, Masks, Spacings

NAMES = (*REGIONS, "any")
ANY = [REGIONS.index(name) for name in ("lesion", "ring", "posterior")]

Inside = Float[np.ndarray, "n regions cells"]  # 1 inside, 0 outside, NaN where that cannot be known


@dataclass(frozen=True, kw_only=True, eq=False)
class Membership:
    """Regions on the input grid, in the order of `NAMES`; with a tolerance they overlap."""

    masks: Bool[np.ndarray, "n regions h w"]
    known: Flags  # a lesion on the grid and, with a tolerance, a spacing; else `masks` say nothing
    valid: Masks  # not padding

    def at_cells(self, grid: tuple[int, int]) -> Inside:
        """Whether the centre of each cell of a native grid lies in each region; NaN where not known."""
        rows, columns = (centre_pixels(grid[a], self.valid.shape[a + 1]) for a in (0, 1))
        cells = self.masks[:, :, rows[:, None], columns].reshape(
            *self.masks.shape[:2], len(rows) * len(columns)
        )
        return np.where(self.known[:, None, None], cells, np.nan)


def membership(
    codes: Codes, has_lesion: Flags, *, tolerance_mm: float = 0.0, spacing: Spacings | None = None
) -> Membership:
    """Every pixel's regions.

    Args:
        codes: region of every pixel of the input grid.
        has_lesion: False where no outline is known or it is empty.
        tolerance_mm: a pixel this near a region counts as inside, from centre to centre.
        spacing: mm per pixel of `codes`; needed with a tolerance.

    Raises:
        ValueError: a tolerance that is negative or not finite.
    """
    if not 0 <= tolerance_mm < np.inf:
        raise ValueError(f"a tolerance is a length of at least 0 mm, got {tolerance_mm}")
    masks = np.zeros((len(codes), len(NAMES), *codes.shape[1:]), bool)
    known = np.zeros(len(codes), bool)
    for i, own in _region_masks(codes, has_lesion, tolerance_mm, spacing):
        masks[i], known[i] = own, True
    return Membership(masks=masks, known=known, valid=codes != REGIONS.index("padding"))


def _region_masks(
    codes: Codes, has_lesion: Flags, tolerance_mm: float, spacing: Spacings | None
) -> Iterator[tuple[int, Bool[np.ndarray, "regions h w"]]]:
    """Index and masks of every image for which they are known."""
    for i in np.flatnonzero(has_lesion & (codes == 0).any((1, 2))):
        masks = codes[i] == np.arange(len(REGIONS))[:, None, None]
        masks = np.concatenate([masks, masks[ANY].any(0, keepdims=True)])
        if tolerance_mm > 0:
            if spacing is None or not np.isfinite(spacing[i]).all():
                continue
            masks = np.stack([_within(mask, tolerance_mm, spacing[i]) for mask in masks])
        yield int(i), masks


def _within(mask: Mask, tolerance_mm: float, spacing: Float[np.ndarray, "2"]) -> Mask:
    if not mask.any():  # the transform would measure the distance to nothing
        return mask
    return np.asarray(distance_transform_edt(~mask, sampling=spacing) <= tolerance_mm * (1 + 1e-9))
