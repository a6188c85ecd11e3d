"""How the map of an image changed between two inputs, by every measure of `records.SHIFT_METRICS`."""

import numpy as np

from xaiaudit.metrics.displacement import centre_shift, diagonals, distances_mm, peaks, wasserstein_mm
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import upsample
from xaiaudit.metrics.similarity import pearson, spearman, ssim
from xaiaudit.metrics.top_pixels import topk_intersection
from xaiaudit.records import REGIONS, SHIFT_METRICS
from xaiaudit.types import Codes, Flags, Maps, Spacings, Vector

TOP_SHARE = 0.05  # of the valid pixels, where there is no lesion to say how many


def map_shift(
    before: Maps, after: Maps, codes: Codes, has_lesion: Flags, spacing: Spacings, *, signed: bool
) -> dict[str, Vector]:
    """Every measure of `records.SHIFT_METRICS`, per image. Never normalise maps before it.

    Displacements are in mm and as a fraction of the diagonal of the valid image, in pixels. Top-k (k = lesion
    area, else 5 % of the valid pixels) and SSIM use maps upsampled to the grid of `codes`, the others the
    native grid. Padding takes part in all: a map that moves into it has moved.

    Args:
        before, after: raw maps of one explainer on one grid.
        codes: region of every pixel of the input grid; says what is lesion and what is padding.
        has_lesion: False where no outline is known or it is empty.
        spacing: mm per pixel of `codes`; NaN where unknown.
        signed: negative values carry meaning.

    Returns:
        NaN for images of which either map is undefined; in "..._mm" also without spacing; in mass centre and
        Wasserstein also where either map has no positive mass; in the correlations where either is constant.
    """
    both = defined(before, signed=signed) & defined(after, signed=signed)
    shape = codes.shape[1:]
    valid = codes != REGIONS.index("padding")
    values = {metric: np.full(len(before), np.nan) for metric in SHIFT_METRICS}
    start, end = (peaks(maps, shape, signed=signed) for maps in (before, after))
    values["peak_mm"] = distances_mm(start, end, spacing)
    values["peak_diagonal"] = distances_mm(start, end, np.ones_like(spacing)) / diagonals(valid)
    values["mass_centre_mm"], values["mass_centre_diagonal"] = centre_shift(before, after, valid, spacing)
    values["wasserstein_mm"] = wasserstein_mm(before, after, shape, spacing)
    for i in np.flatnonzero(both):
        old, new = before[i].astype(np.float64), after[i].astype(np.float64)
        values["spearman"][i], values["pearson"][i] = spearman(old, new), pearson(old, new)
        old, new = upsample(np.stack([old, new]), shape)
        values["ssim"][i] = ssim(old, new)
        lesion = int((codes[i] == 0).sum()) if has_lesion[i] else 0
        k = lesion or max(1, round(TOP_SHARE * int(valid[i].sum())))
        values["topk_intersection"][i] = topk_intersection(old, new, k)
    return {metric: np.where(both, value, np.nan) for metric, value in values.items()}
