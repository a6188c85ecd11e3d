"""How alike the maps of one explainer are before and after the model changed, image by image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import pixels_within, upsample
from xaiaudit.metrics.similarity import spearman, ssim
from xaiaudit.types import Cells, Maps

MEASURES = ("spearman", "spearman_abs", "ssim")


class Similarity(NamedTuple):
    """Of n maps, or stacked (n, blocks, draws). NaN where either map is undefined, and where a rank is: constant."""

    spearman: Float[np.ndarray, "..."]  # of the cells, in [-1, 1]
    spearman_abs: Float[np.ndarray, "..."]  # of their absolute values: does strength stay where signs do not?
    ssim: Float[np.ndarray, "..."]  # in [-1, 1]
    undefined: Bool[np.ndarray, "..."]  # defined before, and no longer
    identical: Bool[np.ndarray, "..."]  # both defined, and no cell differs by more than rounding


def similarity(
    before: Maps, after: Maps, size: tuple[int, int], *, signed: bool, within: Cells | None = None
) -> Similarity:
    """Ranks are compared on the maps' own grid, where interpolation adds no agreement.

    SSIM is taken on the image's grid, `size`, of maps divided by their largest magnitude: as a randomised model has
    another scale, the range of both maps together would hide the smaller one. Undefined maps are never alike or
    unlike. Cells outside `within`, as for `metrics.extremes.defined`, are compared in no measure.

    Source: Adebayo et al. 2018, arXiv:1810.03292, section 2.2; without their histograms of gradients.
    """
    was, still = (defined(maps, signed=signed, within=within) for maps in (before, after))
    values = np.full((len(MEASURES), len(before)), np.nan)
    identical = np.zeros(len(before), bool)
    cells = np.ones(before.shape, bool) if within is None else within
    pixels = pixels_within(within, size, len(before))
    for row in np.flatnonzero(was & still):
        old, new = (maps[row] / np.abs(maps[row]).max() for maps in (before, after))
        on_image = upsample(np.stack([old, new]), size)
        old, new = old[cells[row]], new[cells[row]]
        values[:, row] = (
            spearman(old, new),
            spearman(np.abs(old), np.abs(new)),
            ssim(on_image[0], on_image[1], pixels[row]),
        )
        identical[row] = np.allclose(before[row], after[row], rtol=0, atol=1e-6 * np.abs(before[row]).max())
    return Similarity(values[0], values[1], values[2], was & ~still, identical)


def between_images(
    maps: Maps, size: tuple[int, int], *, signed: bool, within: Cells | None = None
) -> Similarity:
    """The same between maps of different images: what unrelated maps share out of habit, such as a centre or an edge.

    Each map of the first half of the set is compared with the one half a set further, which is seldom of the same case
    where a set is in order. Each pair counts once, or an interval over images would be too narrow: (n,), with a value
    for the first of each pair and NaN for the others. Of `within`, what both maps say something of is compared.
    """
    half = len(maps) // 2
    both = None if within is None else within[:half] & within[half : 2 * half]
    found = similarity(maps[:half], maps[half : 2 * half], size, signed=signed, within=both)
    rest = len(maps) - half
    values = (np.append(part, np.full(rest, np.nan)) for part in found[: len(MEASURES)])
    flags = (np.append(part, np.zeros(rest, bool)) for part in found[len(MEASURES) :])
    return Similarity(*values, *flags)
