"""How alike two maps of one image are, whatever their scale: rank and linear correlation, and structure."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import minimum_filter
from skimage.metrics import structural_similarity

from xaiaudit.types import Mask, Vector

Plane = Float[np.ndarray, "u v"]
Values = Float[np.ndarray, "..."]
WINDOW = 7  # pixels a side, of SSIM


def pearson(before: Values, after: Values) -> float:
    """Linear correlation of the cells, in [-1, 1]; NaN where either map is constant."""
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    a, b = before.ravel() - before.mean(), after.ravel() - after.mean()
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))


def spearman(before: Values, after: Values) -> float:
    """Correlation of the cells' ranks, ties averaged, in [-1, 1].

    NaN where either map is constant or holds a value that is not finite.
    """
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return float("nan")
    return pearson(*(midranks(plane.ravel()).reshape(plane.shape) for plane in (before, after)))


def midranks(values: Vector) -> Vector:
    """Rank of each value from 1 up, tied ones sharing the mean of their ranks, (n,); values must be finite.

    Equals scipy.stats.rankdata, at a third of its time on a map of 224 x 224.
    """
    order = values.argsort()
    ordered = values[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))  # of each group of tied values
    sizes = np.diff(first, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    return ranks


def ssim(before: Plane, after: Plane, within: Mask | None = None) -> float:
    """Mean structural similarity in windows of 7 x 7, in [-1, 1]; NaN where both are one constant.

    Of the windows that lie in `within`, where it is given; NaN where none does.

    The data range is that of both maps together, so that a map that fades is not made to look unchanged.

    Source: Wang et al. 2004, IEEE Transactions on Image Processing 13:600, as in scikit-image.
    """
    if within is not None and not within.all():
        return _ssim_within(before, after, within)
    span = max(before.max(), after.max()) - min(before.min(), after.min())
    return float(structural_similarity(before, after, data_range=span)) if span > 0 else float("nan")


def _ssim_within(before: Plane, after: Plane, within: Mask) -> float:
    middles = minimum_filter(within, WINDOW, mode="constant", cval=0)  # of the windows that lie in it
    span = float(np.ptp(np.stack([before[within], after[within]]))) if middles.any() else 0.0
    if span == 0:
        return float("nan")
    _, each = structural_similarity(before, after, data_range=span, full=True)
    return float(each[middles].mean())
