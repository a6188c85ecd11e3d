"""The k pixels of a map with the largest values, and how they meet the lesion or those of another map."""

import numpy as np
from jaxtyping import Float

from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import pixels_within, upsample
from xaiaudit.metrics.segmentation import iou_from_dice
from xaiaudit.types import Cells, Codes, Flags, Maps, Mask, Vector

Plane = Float[np.ndarray, "h w"]


def top_pixels(plane: Plane, k: int) -> Plane:
    """Membership of each pixel in the k largest, in [0, 1], summing to k.

    Pixels tied at the boundary share the places that are left, so that no order of pixels decides.
    """
    threshold = np.partition(plane, plane.size - k, axis=None)[plane.size - k]
    above, level = plane > threshold, plane == threshold
    return np.asarray(above + level * ((k - above.sum()) / level.sum()))


def topk_intersection(before: Plane, after: Plane, k: int, within: Mask | None = None) -> float:
    """Pixels among the k largest of both / k, in [0, 1]; memberships shared by ties meet in their minimum.

    Of the pixels in `within`, where it is given; NaN where these are fewer than k.

    Source: Ghorbani et al. 2019, arXiv:1710.10547.
    """
    if within is not None:
        if within.sum() < k:
            return float("nan")
        before, after = (np.where(within, plane, -np.inf) for plane in (before, after))
    return float(np.minimum(top_pixels(before, k), top_pixels(after, k)).sum() / k)


def relevance_rank(
    maps: Maps, codes: Codes, has_lesion: Flags, *, signed: bool, within: Cells | None = None
) -> Vector:
    """Share of the |lesion| largest pixels of the upsampled map that lie in the lesion, in [0, 1].

    Pixels tied at the boundary count by the share of places left for them; those that hang on a cell outside `within`
    (as for `extremes.defined`) come after all others. NaN where the map is undefined or there is no lesion on the grid.

    Source: Arras et al. 2022, Information Fusion 81:14-40, "relevance rank accuracy".
    """
    ranks = np.full(len(maps), np.nan)
    lesions = codes == 0
    known = defined(maps, signed=signed, within=within) & has_lesion
    pixels = pixels_within(within, codes.shape[1:], len(maps))
    for i in np.flatnonzero(known & lesions.any((1, 2))):
        area = int(lesions[i].sum())
        (plane,) = upsample(maps[i : i + 1], codes.shape[1:])
        ranks[i] = top_pixels(np.where(pixels[i], plane, -np.inf), area)[lesions[i]].sum() / area
    return ranks


def iou_at_lesion_area(rank: Vector) -> Vector:
    """IoU of the lesion and as many of the largest pixels, in [0, 1], from their `relevance_rank` r.

    Both sets have the lesion's area a and share r a pixels, so that r is their Dice score. NaN where r is.
    """
    return iou_from_dice(rank)
