"""The box around a mask."""

import numpy as np

from xaiaudit.types import Mask

NO_BOX = (np.nan,) * 4


def rectangle(mask: Mask) -> tuple[float, float, float, float]:
    """The minimum upright rectangle of all pixels of a mask: x0, y0, x1, y1, half-open; NaN where there are none."""
    if not mask.any():
        return NO_BOX
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
