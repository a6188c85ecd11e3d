"""Where the breast is in a mammogram."""

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import find_objects, label

AIR = 1 / 64  # of the image's range above its darkest level: the air beside the breast is black


def breast(levels: Float32[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """The minimum upright rectangle, rows and columns, around the breast: the largest region brighter than air.

    Markers and letters beside it are smaller and fall away. An image of one level is all breast, and so is one
    whose air is brighter than 1/64 of its range: too much is kept rather than too little.
    """
    low, high = float(levels.min()), float(levels.max())
    regions, count = label(levels > low + AIR * (high - low))
    if count == 0:
        return slice(0, levels.shape[0]), slice(0, levels.shape[1])
    largest = int(np.bincount(regions.ravel())[1:].argmax())
    rows, columns = find_objects(regions)[largest]
    return rows, columns
