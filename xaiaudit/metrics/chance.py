"""How often the pointing game is won by chance: by a point drawn anywhere, and by the map of another image."""

import numpy as np

from xaiaudit.metrics.extremes import Weights
from xaiaudit.metrics.membership import NAMES, Inside, Membership
from xaiaudit.metrics.pointing import KEYS, extremes, keyed
from xaiaudit.types import Cells, Maps, Vector

CHUNK = 256  # images a block, so that memory does not grow with the square of their number


def chance_uniform(member: Membership) -> dict[str, Vector]:
    """What `pointing` gives on average for points drawn uniformly from the valid image, with the same keys.

    The share of valid pixels in each region (with a tolerance: within it), hence 0 for padding without one; NaN
    where `pointing` is NaN on account of the image.
    """
    shares = np.full((len(NAMES), len(member.known)), np.nan)
    for i in np.flatnonzero(member.known):
        shares[:, i] = (member.masks[i] & member.valid[i]).sum((1, 2)) / member.valid[i].sum()
    return keyed(shares, shares)


def chance_shuffled(
    maps: Maps, inside: Inside, *, signed: bool, within: Cells | None = None
) -> dict[str, float]:
    """What `pointing` gives on average when every image gets the map of another, with the same keys.

    The exact mean over all ordered pairs of different images whose `pointing` is defined; NaN below two.

    Args:
        maps: raw, on their native grid.
        inside: the regions of the cells of that grid, as `Membership.at_cells` gives them.
        signed: negative values carry meaning.
        within: cells that can be an extreme, as for `extremes.defined`.
    """
    return chance_of_extremes(*extremes(maps, signed, within), inside)


def chance_of_extremes(highest: Weights, lowest: Weights, inside: Inside) -> dict[str, float]:
    """`chance_shuffled` of maps of which only the extremes are known.

    `highest` and `lowest` hold what `extremes.tied` gives of the maps and of their negatives: each cell's share, NaN
    where a map is undefined; `lowest` is NaN throughout where maps are not signed.
    """
    known = ~np.isnan(inside[:, 0, 0]) & ~np.isnan(highest[:, 0])
    inside, highest, lowest = inside[known], highest[known], lowest[known]
    count = len(inside)
    if count < 2:
        return dict.fromkeys(KEYS, float("nan"))
    totals = dict.fromkeys(KEYS, 0.0)
    for start in range(0, count, CHUNK):
        block = np.arange(start, min(start + CHUNK, count))
        regions = inside[block].transpose(1, 0, 2)
        for key, hits in keyed(regions @ highest.T, regions @ lowest.T).items():  # (block, count): image, map
            own = hits[np.arange(len(block)), block]
            totals[key] += float(hits.sum() - own.sum())
    return {key: total / (count * (count - 1)) for key, total in totals.items()}
