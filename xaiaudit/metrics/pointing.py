"""The pointing game: does a map's extreme lie in a region, and how often would chance do as well?

Extremes come from the native grid, at cell centres. "any" is lesion, ring or posterior.

Source: Zhang et al. 2018, International Journal of Computer Vision 126:1084; regions and both extremes of
signed maps: Byra et al. 2022, doi:10.15557/JoU.2022.0013.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from xaiaudit.metrics.extremes import Weights, defined, peak_cells, tied
from xaiaudit.metrics.grids import centre_pixels
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Flags, Maps, Mask, Spacings, Vector

NAMES = (*REGIONS, "any")
ANY = [REGIONS.index(name) for name in ("lesion", "ring", "posterior")]
KEYS = tuple(f"{extreme}_in_{name}" for extreme in ("maximum", "minimum", "either") for name in NAMES)
CHUNK = 256  # images a block, so that memory does not grow with the square of their number

Inside = Float[np.ndarray, "n regions cells"]
Hits = Float[np.ndarray, "..."]


def pointing(
    maps: Maps,
    codes: Codes,
    has_lesion: Flags,
    *,
    signed: bool,
    tolerance_mm: float = 0.0,
    spacing: Spacings | None = None,
) -> dict[str, Vector]:
    """Hits per image and region, in [0, 1], keyed as in `records.MAPS`: "maximum_in_lesion", ...

    Tied cells give the share of them that lies inside: the chance that one drawn at random is a hit.
    "either" is the chance that the maximum or the minimum is one, drawn independently: 1 - (1 - a)(1 - b). An
    unsigned map has one extreme only, so that "minimum" and "either" are NaN.

    Args:
        maps: raw, on their native grid, which covers the field of view of `codes` evenly.
        codes: region of every pixel of the input grid.
        has_lesion: False where no outline is known or it is empty.
        signed: negative values carry meaning.
        tolerance_mm: an extreme this near a region counts as inside; regions then overlap.
        spacing: mm per pixel of `codes`; needed with a tolerance.

    Returns:
        NaN where the map is undefined, where there is no lesion on the grid, and where a tolerance meets an
        image without spacing. A region without a pixel is never hit.
    """
    inside = _at_cells(codes, has_lesion, maps.shape[1:], tolerance_mm, spacing)
    highest, lowest = _extremes(maps, signed)
    return _keyed(
        np.einsum("nrc,nc->rn", inside, highest),
        np.einsum("nrc,nc->rn", inside, lowest),
    )


def peak_state(maps: Maps, codes: Codes, has_lesion: Flags, *, signed: bool) -> list[str]:
    """Region of each map's maximum, or "undefined"; "unknown" where there is no lesion on the grid.

    Of tied cells the first in row-major order counts, so that every map is in one state.
    """
    is_defined, cells = defined(maps, signed=signed), peak_cells(maps)
    rows, columns = (centre_pixels(maps.shape[a], codes.shape[a]) for a in (1, 2))
    states = []
    for i, (row, column) in enumerate(cells):
        if not has_lesion[i] or not (codes[i] == 0).any():
            states.append("unknown")
        elif not is_defined[i]:
            states.append("undefined")
        else:
            states.append(REGIONS[codes[i, rows[row], columns[column]]])
    return states


def chance_uniform(
    codes: Codes, has_lesion: Flags, *, tolerance_mm: float = 0.0, spacing: Spacings | None = None
) -> dict[str, Vector]:
    """What `pointing` gives on average for points drawn uniformly from the valid image, with the same keys.

    The share of valid pixels in each region (with a tolerance: within it), hence 0 for padding; NaN where
    `pointing` is NaN on account of the image.
    """
    shares = np.full((len(NAMES), len(codes)), np.nan)
    for i, inside in _region_masks(codes, has_lesion, tolerance_mm, spacing):
        valid = codes[i] != REGIONS.index("padding")
        shares[:, i] = (inside & valid).sum((1, 2)) / valid.sum()
    return _keyed(shares, shares)


def chance_shuffled(
    maps: Maps,
    codes: Codes,
    has_lesion: Flags,
    *,
    signed: bool,
    tolerance_mm: float = 0.0,
    spacing: Spacings | None = None,
) -> dict[str, float]:
    """What `pointing` gives on average when every image gets the map of another, with the same keys.

    The exact mean over all ordered pairs of different images whose `pointing` is defined; NaN below two.
    """
    inside = _at_cells(codes, has_lesion, maps.shape[1:], tolerance_mm, spacing)
    highest, lowest = _extremes(maps, signed)
    known = ~np.isnan(inside[:, 0, 0]) & defined(maps, signed=signed)
    inside, highest, lowest = inside[known], highest[known], lowest[known]
    count = len(inside)
    if count < 2:
        return dict.fromkeys(KEYS, float("nan"))
    totals = dict.fromkeys(KEYS, 0.0)
    for start in range(0, count, CHUNK):
        block = np.arange(start, min(start + CHUNK, count))
        regions = inside[block].transpose(1, 0, 2)
        for key, hits in _keyed(
            regions @ highest.T, regions @ lowest.T
        ).items():  # (block, count): image, map
            own = hits[np.arange(len(block)), block]
            totals[key] += float(hits.sum() - own.sum())
    return {key: total / (count * (count - 1)) for key, total in totals.items()}


def _keyed(highest: Hits, lowest: Hits) -> dict[str, Hits]:
    """Hits of the maximum and the minimum, regions first, as one entry for each of `KEYS`."""
    either = 1 - (1 - highest) * (1 - lowest)
    return dict(zip(KEYS, [*highest, *lowest, *either], strict=True))


def _extremes(maps: Maps, signed: bool) -> tuple[Weights, Weights]:
    highest = tied(maps, signed=signed)
    return highest, tied(-maps, signed=True) if signed else np.full_like(highest, np.nan)


def _at_cells(
    codes: Codes,
    has_lesion: Flags,
    grid: tuple[int, int],
    tolerance_mm: float,
    spacing: Spacings | None,
) -> Inside:
    """1 where the centre of a cell lies in a region of `NAMES`, else 0; NaN where that cannot be known."""
    rows, columns = (centre_pixels(grid[a], codes.shape[a + 1]) for a in (0, 1))
    inside = np.full((len(codes), len(NAMES), grid[0] * grid[1]), np.nan)
    for i, masks in _region_masks(codes, has_lesion, tolerance_mm, spacing):
        inside[i] = masks[:, rows[:, None], columns].reshape(len(NAMES), -1)
    return inside


def _region_masks(
    codes: Codes, has_lesion: Flags, tolerance_mm: float, spacing: Spacings | None
) -> Iterator[tuple[int, Bool[np.ndarray, "regions h w"]]]:
    """Index and masks, in the order of `NAMES`, of every image for which they are known."""
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
    return np.asarray(distance_transform_edt(~mask, sampling=spacing) <= tolerance_mm)
