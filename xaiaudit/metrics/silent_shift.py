"""The finding that nothing else warns about: the decision stands and its explanation moved."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.metrics.displacement import centre_shift, diagonals
from xaiaudit.metrics.extremes import vanished
from xaiaudit.metrics.pointing import peak_state
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Flags, Maps, Spacings, Vector

INSIDE = frozenset({"lesion", "ring", "posterior"})
OUTSIDE = frozenset({"elsewhere", "padding"})
FAR_MM = 5.0
FAR_DIAGONAL = 0.1  # of the valid image's diagonal, where no spacing says what 5 mm are


def moved(
    states_before: Sequence[str],
    states_after: Sequence[str],
    mass_centre_mm: Vector,
    mass_centre_diagonal: Vector,
    vanished: Flags,
) -> Flags:
    """The peak left lesion, ring and posterior region, or the mass centre went far, or the map vanished.

    Far is more than 5 mm, or without spacing more than 10 % of the diagonal. States are those of
    `peak_state`; an unknown one, and an undefined displacement, is no evidence of a move.
    """
    left = [
        before in INSIDE and after in OUTSIDE
        for before, after in zip(states_before, states_after, strict=True)
    ]
    far = np.where(np.isnan(mass_centre_mm), mass_centre_diagonal > FAR_DIAGONAL, mass_centre_mm > FAR_MM)
    return np.asarray(np.array(left, bool) | far | vanished)


def moved_maps(
    before: Maps, after: Maps, codes: Codes, has_lesion: Flags, spacing: Spacings, *, signed: bool
) -> Flags:
    """`moved` from the maps themselves, with what it asks for computed as for the tables."""
    start, end = (peak_state(maps, codes, has_lesion, signed=signed) for maps in (before, after))
    across = diagonals(codes != REGIONS.index("padding"))
    mm, diagonal = centre_shift(before, after, codes.shape[1:], across, spacing)
    return moved(start, end, mm, diagonal, vanished(before, after, signed=signed))


def silent_shift(moved: Flags, flipped: Flags, defined_before: Flags) -> Vector:
    """1 where the decision stands and the map moved, 0 where not; NaN where the clean map is undefined.

    The rate is the mean over all images with a defined clean map, flipped ones included: a model that flips
    more must not look better.
    """
    return np.where(defined_before, (moved & ~flipped).astype(np.float64), np.nan)
