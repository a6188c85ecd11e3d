"""How the map of an image changed between two inputs, by every measure of `records.SHIFT_METRICS`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from xaiaudit.metrics.displacement import centre_shift, diagonals, distances_mm, peaks, wasserstein_mm
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import pixels_within, upsample
from xaiaudit.metrics.similarity import pearson, spearman, ssim
from xaiaudit.metrics.top_pixels import topk_intersection
from xaiaudit.records import REGIONS, SHIFT_METRICS
from xaiaudit.types import Cells, Codes, Flags, Maps, Spacings, Vector

TOP_SHARE = 0.05  # of the valid pixels, where there is no lesion to say how many
Counts = Int[np.ndarray, "n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """What the measures ask of the images themselves, on the input grid."""

    shape: tuple[int, int]  # rows and columns
    diagonal: Vector  # of the box around each image's valid pixels, in pixels
    top: Counts  # pixels whose overlap is asked for
    spacing: Spacings  # mm per pixel, NaN where unknown


def field_of(codes: Codes, has_lesion: Flags, spacing: Spacings) -> Field:
    """`codes` and `has_lesion` as for `map_shift`."""
    valid = codes != REGIONS.index("padding")
    lesion = np.where(has_lesion, (codes == 0).sum((1, 2)), 0)
    return Field(
        shape=(codes.shape[1], codes.shape[2]),
        diagonal=diagonals(valid),
        top=top_counts(lesion, valid.sum((1, 2))),
        spacing=spacing,
    )


def top_counts(lesion_pixels: Counts, valid_pixels: Counts) -> Counts:
    """As many as the lesion has; without one 5 % of the valid pixels, at least one."""
    share = np.maximum(1, np.rint(TOP_SHARE * valid_pixels)).astype(np.int64)
    return np.where(lesion_pixels > 0, lesion_pixels, share)


def map_shift(
    before: Maps,
    after: Maps,
    codes: Codes,
    has_lesion: Flags,
    spacing: Spacings,
    *,
    signed: bool,
    within: Cells | None = None,
) -> dict[str, Vector]:
    """Every measure of `records.SHIFT_METRICS`, per image. Never normalise maps before it.

    Displacements are in mm and as a fraction of the diagonal of the valid image, in pixels. Top-k (k = lesion
    area, else 5 % of the valid pixels) and SSIM use maps upsampled to the grid of `codes`, the others the
    native grid. Padding takes part in all, but for cells outside `within`: a map that moves into it has moved.

    Args:
        before, after: raw maps of one explainer on one grid.
        codes: region of every pixel of the input grid; says what is lesion and what is padding.
        has_lesion: False where no outline is known or it is empty.
        spacing: mm per pixel of `codes`; NaN where unknown.
        signed: negative values carry meaning.
        within: cells of the native grid of which both maps say something, as for `extremes.defined`; in the others
            neither map may have positive mass.

    Returns:
        NaN for images of which either map is undefined; in "..._mm" also without spacing; in mass centre and
        Wasserstein also where either map has no positive mass; in the correlations where either is constant; in
        top-k and SSIM where `within` leaves too few pixels, fewer than k or less than a window.
    """
    return shift_in(field_of(codes, has_lesion, spacing), before, after, signed=signed, within=within)


def shift_in(
    field: Field, before: Maps, after: Maps, *, signed: bool, within: Cells | None = None
) -> dict[str, Vector]:
    """`map_shift` of maps on images of which only the field is known."""
    both = defined(before, signed=signed, within=within) & defined(after, signed=signed, within=within)
    shape, spacing = field.shape, field.spacing
    values = {metric: np.full(len(before), np.nan) for metric in SHIFT_METRICS}
    start, end = (peaks(maps, shape, signed=signed, within=within) for maps in (before, after))
    values["peak_mm"] = distances_mm(start, end, spacing)
    values["peak_diagonal"] = distances_mm(start, end, np.ones_like(spacing)) / field.diagonal
    values["mass_centre_mm"], values["mass_centre_diagonal"] = centre_shift(
        before, after, shape, field.diagonal, spacing
    )
    values["wasserstein_mm"] = wasserstein_mm(before, after, shape, spacing)
    cells = np.ones(before.shape, bool) if within is None else within
    pixels = pixels_within(within, shape, len(before))
    for i in np.flatnonzero(both):
        old, new = before[i].astype(np.float64), after[i].astype(np.float64)
        values["spearman"][i], values["pearson"][i] = (
            how(old[cells[i]], new[cells[i]]) for how in (spearman, pearson)
        )
        old, new = upsample(np.stack([old, new]), shape)
        values["ssim"][i] = ssim(old, new, pixels[i])
        values["topk_intersection"][i] = topk_intersection(old, new, int(field.top[i]), pixels[i])
    return {metric: np.where(both, value, np.nan) for metric, value in values.items()}
