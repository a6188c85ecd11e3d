"""Where a map's positive mass lies: its share in each region of the image."""

import numpy as np

from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import upsample
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Flags, Maps, Vector


def energy_shares(maps: Maps, codes: Codes, has_lesion: Flags) -> dict[str, Vector]:
    """Positive mass in each region / all positive mass, keyed "energy_lesion", ..., in [0, 1], summing to 1.

    Maps are upsampled bilinearly to the grid of `codes`; there negative values count as zero.

    Returns:
        NaN where a map has no positive mass or a value that is not finite, and where there is no lesion on
        the grid. Maps without sign and signed ones are treated alike.

    Source: Wang et al. 2020, arXiv:1910.01279, the energy-based pointing game.
    """
    shares = np.full((len(REGIONS), len(maps)), np.nan)
    known = defined(maps, signed=False) & has_lesion & (codes == 0).any((1, 2))
    for i in np.flatnonzero(known):
        mass = upsample(maps[i : i + 1], codes.shape[1:]).clip(0)
        sums = np.bincount(codes[i].ravel(), weights=mass.ravel(), minlength=len(REGIONS))
        if sums.sum() > 0:
            shares[:, i] = sums / sums.sum()
    return {f"energy_{region}": shares[r] for r, region in enumerate(REGIONS)}


def delta_energy(before: dict[str, Vector], after: dict[str, Vector]) -> dict[str, Vector]:
    """Energy shares after minus before, keyed "delta_energy_lesion", ..., in [-1, 1]; NaN where either is."""
    return {f"delta_{key}": after[key] - before[key] for key in before}
