"""How alike two maps of one image are, whatever their scale: rank and linear correlation, and structure."""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata
from skimage.metrics import structural_similarity

Plane = Float[np.ndarray, "u v"]


def pearson(before: Plane, after: Plane) -> float:
    """Linear correlation of the cells, in [-1, 1]; NaN where either map is constant."""
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    a, b = before.ravel() - before.mean(), after.ravel() - after.mean()
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))


def spearman(before: Plane, after: Plane) -> float:
    """Correlation of the cells' ranks, ties averaged, in [-1, 1]; NaN where either map is constant."""
    return pearson(*(rankdata(plane).reshape(plane.shape) for plane in (before, after)))


def ssim(before: Plane, after: Plane) -> float:
    """Mean structural similarity in windows of 7 x 7, in [-1, 1]; NaN where both are one constant.

    The data range is that of both maps together, so that a map that fades is not made to look unchanged.

    Source: Wang et al. 2004, IEEE Transactions on Image Processing 13:600, as in scikit-image.
    """
    span = max(before.max(), after.max()) - min(before.min(), after.min())
    return float(structural_similarity(before, after, data_range=span)) if span > 0 else float("nan")
