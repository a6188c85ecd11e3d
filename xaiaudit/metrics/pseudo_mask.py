"""From a map to a mask and a box of the lesion, and how well they match its outline.

Source: Rasaee 2022 (thesis), section 4.3, thresholds heat maps for masks and boxes where no outline was drawn, and
names no threshold. That of the paper it takes CAM from is used: Zhou et al. 2016, arXiv:1512.04150, a fifth of the
maximum, and the box around the largest component.
"""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from xaiaudit.metrics.boxes import rectangle
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import upsample
from xaiaudit.metrics.segmentation import dice, iou_from_dice
from xaiaudit.types import Codes, Flags, Maps, Mask, Masks, Vector

THRESHOLD = 0.2  # of the map's maximum on the input grid
TOUCHING = np.ones((3, 3), bool)  # pixels that meet at a corner are one component

Boxes = Float[
    np.ndarray, "n 4"
]  # x0, y0, x1, y1 in pixels of the input grid, half-open; NaN where there is none


def pseudo_masks(maps: Maps, shape: tuple[int, int], *, threshold: float = THRESHOLD) -> Masks:
    """All pixels above `threshold` times the map's maximum, after bilinear upsampling to the input grid.

    Negative values are no evidence for the class, so that signed and unsigned maps are treated alike. Padding
    takes part: a map that lights up there has missed.

    Args:
        maps: raw, on their native grid.
        shape: rows and columns of the input grid.
        threshold: at least 0 and under 1.

    Returns:
        (n, *shape) bool; without a pixel where a map has no positive value or one that is not finite.

    Raises:
        ValueError: a threshold outside [0, 1), which would mark everything or nothing.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"the threshold is a share of the maximum, at least 0 and under 1, got {threshold}")
    masks = np.zeros((len(maps), *shape), bool)
    for i in np.flatnonzero(defined(maps, signed=False)):
        (plane,) = upsample(maps[i : i + 1], shape)
        masks[i] = (plane > 0) & (plane > threshold * plane.max())
    return masks


def largest_boxes(masks: Masks) -> Boxes:
    """The box around the largest component of each mask; of equal ones the first in row-major order."""
    boxes = np.full((len(masks), 4), np.nan)
    for i, mask in enumerate(masks):
        components, count = ndimage.label(mask, TOUCHING)
        if count:
            largest = components == 1 + np.bincount(components.ravel())[1:].argmax()
            boxes[i] = rectangle(largest)
    return boxes


def box_iou(box: Float[np.ndarray, "4"], others: Boxes) -> Vector:
    """Intersection over union of one half-open box with each of several, (n,) in [0, 1]; NaN where one is."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = sides.clip(0).prod(1)  # NaN stays NaN
    areas = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(shared / (areas - shared))


def pseudo_scores(masks: Masks, boxes: Boxes, codes: Codes, has_lesion: Flags) -> dict[str, Vector]:
    """How pseudo-masks and their boxes match the lesion, keyed as in `records.PSEUDO_METRICS`, each (n,) in [0, 1].

    Dice and IoU of the whole pseudo-mask with the lesion mask. Where several lesions are outlined, the box is
    compared with that of each component and the best counts, as in the localisation task of Zhou et al.

    Returns:
        NaN where the pseudo-mask has no pixel (an undefined map has not found nothing: it says nothing) and where
        there is no lesion on the grid.
    """
    lesions = codes == 0
    known = masks.any((1, 2)) & has_lesion & lesions.any((1, 2))
    overlap = dice(masks, lesions, known)
    boxed = np.full(len(masks), np.nan)
    for i in np.flatnonzero(known):
        boxed[i] = box_iou(boxes[i], _component_boxes(lesions[i])).max()
    return {"pseudo_dice": overlap, "pseudo_iou": iou_from_dice(overlap), "pseudo_box_iou": boxed}


def _component_boxes(mask: Mask) -> Boxes:
    components, _ = ndimage.label(mask, TOUCHING)
    return np.array(
        [
            (columns.start, rows.start, columns.stop, rows.stop)
            for rows, columns in ndimage.find_objects(components)
        ],
        np.float64,
    )
