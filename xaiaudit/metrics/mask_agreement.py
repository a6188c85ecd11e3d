"""Whether a saliency map looks where a mask lies: does its maximum lie in the mask, how much of its energy does?"""

import numpy as np

from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.membership import membership
from xaiaudit.metrics.pointing import pointing_inside
from xaiaudit.records import REGIONS
from xaiaudit.types import Cells, Maps, Masks, Vector

LESION, ELSEWHERE, PADDING = (REGIONS.index(name) for name in ("lesion", "elsewhere", "padding"))


def mask_agreement(
    maps: Maps, masks: Masks, valid: Masks, *, signed: bool, within: Cells | None = None
) -> dict[str, Vector]:
    """Of each map and mask: "hit" and "share", (n,) in [0, 1], and "area", (n,) in [0, 1].

    Args:
        maps: (n, u, v) raw, on their native grid, which covers that of the masks evenly.
        masks: (n, h, w) bool, on the input grid; what lies on padding is no part of a mask.
        valid: (n, h, w) bool, real pixels.
        signed, within: as for `pointing`.

    Returns:
        hit: the map's maximum lies in the mask; of tied cells the share that does. NaN where the map is undefined or
            the mask is empty.
        share: positive energy of the map inside the mask / all of it, by the same upsampling as `energy_shares`.
            NaN likewise, and where a signed map has no positive value.
        area: of the mask / of the real pixels: what a uniform random point hits. 0 for an empty mask.

    Source: the pointing game and its energy-based form (`pointing`, `energy_shares`), with a mask that a model drew
    in the place of the outline.
    """
    real = masks & valid
    codes = np.where(real, LESION, np.where(valid, ELSEWHERE, PADDING)).astype(np.uint8)
    found = real.any((1, 2))
    hits = pointing_inside(maps, membership(codes, found), signed=signed, within=within)
    return {
        "hit": hits["maximum_in_lesion"],
        "share": energy_shares(maps, codes, found)["energy_lesion"],
        "area": real.sum((1, 2)) / valid.sum((1, 2)),
    }
