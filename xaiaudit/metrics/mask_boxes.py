"""How well the box around a predicted mask matches a true box, where lesions are known by boxes."""

import numpy as np
from numpy.typing import ArrayLike

from xaiaudit.metrics.boxes import NO_BOX, rectangle
from xaiaudit.metrics.pseudo_mask import Boxes, box_iou
from xaiaudit.types import Mask, Masks, Vector


def box_jsi(predicted: Masks, boxes: Boxes) -> Vector:
    """Intersection over union of the minimum rectangle that holds a predicted mask with the true box, (n,).

    Args:
        predicted: (n, h, w) bool, e.g. mask logits >= 0.
        boxes: (n, 4), x0, y0, x1, y1 in pixels, half-open; NaN where none is known.

    Returns:
        (n,) in [0, 1]; 0 where nothing is predicted; NaN where no box is known, as of an image without a lesion.

    Source: Fan et al. 2022, section 3.3.
    """
    drawn = predicted.any((1, 2))
    found = np.array(
        [box_iou(np.array(rectangle(p)), box[None])[0] for p, box in zip(predicted, boxes, strict=True)]
    )
    return np.where(drawn | np.isnan(boxes).any(1), found, 0.0)


def true_box(mask: Mask | None, boxes: ArrayLike | None) -> tuple[float, float, float, float]:
    """What the lesions of one image lie in: the given boxes (k, 4) where there are any, else its mask; else NaN."""
    given = np.zeros((0, 4)) if boxes is None else np.asarray(boxes, np.float64)
    if len(given):
        (x0, y0), (x1, y1) = given[:, :2].min(0), given[:, 2:].max(0)
        return float(x0), float(y0), float(x1), float(y1)
    return NO_BOX if mask is None else rectangle(mask)
