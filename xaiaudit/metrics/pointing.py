"""The pointing game: does a map's extreme lie in a region?

Extremes come from the native grid, at cell centres. "any" is lesion, ring or posterior.

Source: Zhang et al. 2018, International Journal of Computer Vision 126:1084; regions and both extremes of
signed maps: Byra et al. 2022, doi:10.15557/JoU.2022.0013.
"""

import numpy as np
from jaxtyping import Float

from xaiaudit.metrics.extremes import Weights, defined, peak_cells, tied
from xaiaudit.metrics.grids import centre_pixels
from xaiaudit.metrics.membership import NAMES, Membership, membership
from xaiaudit.records import EXTREMES, REGIONS
from xaiaudit.types import Cells, Codes, Flags, Maps, Spacings, Vector

KEYS = tuple(f"{extreme}_in_{name}" for extreme in EXTREMES for name in NAMES)

Hits = Float[np.ndarray, "..."]


def pointing(
    maps: Maps,
    codes: Codes,
    has_lesion: Flags,
    *,
    signed: bool,
    tolerance_mm: float = 0.0,
    spacing: Spacings | None = None,
    within: Cells | None = None,
) -> dict[str, Vector]:
    """Hits per image and region, in [0, 1], keyed as in `records.MAPS`: "maximum_in_lesion", ...

    Tied cells give the share of them that lies inside: the chance that one drawn at random is a hit.
    "either" is the chance that the maximum or the minimum is one, drawn independently: 1 - (1 - a)(1 - b). An
    unsigned map has one extreme only, so that "minimum" and "either" are NaN.

    Args:
        maps: raw, on their native grid, which covers the field of view of `codes` evenly.
        signed: negative values carry meaning.
        codes, has_lesion, tolerance_mm, spacing: as for `membership`, which says what is inside.
        within: cells that can be an extreme, as for `extremes.defined`.

    Returns:
        NaN where the map is undefined, where there is no lesion on the grid, and where a tolerance meets an
        image without spacing. A region without a pixel is never hit.
    """
    member = membership(codes, has_lesion, tolerance_mm=tolerance_mm, spacing=spacing)
    return pointing_inside(maps, member, signed=signed, within=within)


def pointing_inside(
    maps: Maps, member: Membership, *, signed: bool, within: Cells | None = None
) -> dict[str, Vector]:
    """`pointing` of maps on images whose regions are known already."""
    return keyed(*(_hits(weights, maps.shape[1:], member) for weights in extremes(maps, signed, within)))


def _hits(weights: Weights, grid: tuple[int, int], member: Membership) -> Hits:
    """Share of each map's extreme cells that lies in each region, (regions, n); only those cells are looked up."""
    rows, columns = (centre_pixels(grid[a], member.valid.shape[a + 1]) for a in (0, 1))
    hits = np.full((len(NAMES), len(weights)), np.nan)
    for i in np.flatnonzero(member.known & np.isfinite(weights).all(1)):
        row, column = np.divmod(np.flatnonzero(weights[i]), grid[1])
        hits[:, i] = member.masks[i][:, rows[row], columns[column]].mean(1)
    return hits


def peak_state(
    maps: Maps, codes: Codes, has_lesion: Flags, *, signed: bool, within: Cells | None = None
) -> list[str]:
    """Region of each map's maximum, or "undefined"; "unknown" where there is no lesion on the grid.

    Of tied cells the first in row-major order counts, so that every map is in one state. No tolerance applies.
    """
    is_defined, cells = defined(maps, signed=signed, within=within), peak_cells(maps, within)
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


def keyed(highest: Hits, lowest: Hits) -> dict[str, Hits]:
    """Hits of the maximum and the minimum, regions first, as one entry for each of `KEYS`."""
    either = 1 - (1 - highest) * (1 - lowest)
    return dict(zip(KEYS, [*highest, *lowest, *either], strict=True))


def extremes(maps: Maps, signed: bool, within: Cells | None = None) -> tuple[Weights, Weights]:
    """Where each map has its maximum and its minimum, (n, cells) as `tied` gives them; no minimum if unsigned."""
    highest = tied(maps, signed=signed, within=within)
    lowest = tied(-maps, signed=True, within=within) if signed else np.full_like(highest, np.nan)
    return highest, lowest
