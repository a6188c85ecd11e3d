"""The single lesions of an outline: a mask may hold several, and a detector draws a box around each."""

import numpy as np
from scipy.ndimage import label

from xaiaudit.metrics.boxes import rectangle
from xaiaudit.types import BoxArray, Mask, Masks

SMALLEST = 16  # pixels: less is a speck of the outline, of which no box of use can be drawn
SPECK = 0.05  # of the largest lesion's pixels, likewise


def lesions(mask: Mask) -> tuple[BoxArray, Masks]:
    """Boxes (b, 4) and masks (b, h, w) of the separate lesions of one mask, the largest first.

    Pixels that touch by a side or a corner are one lesion. A box is the minimum upright rectangle, half-open. Specks,
    which resampling and outlining by hand leave, are no lesions: they have under 16 pixels, or under 5 % of the
    largest; where there is nothing else, the largest stands whatever its size.
    """
    parts, count = label(mask, structure=np.ones((3, 3)))
    pixels = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    order = [int(part) for part in np.argsort(-pixels, kind="stable")]
    kept = [part for part in order if pixels[part] >= max(SMALLEST, SPECK * pixels[order[0]])] or order[:1]
    masks = np.array([parts == part + 1 for part in kept], bool).reshape(len(kept), *mask.shape)
    boxes = np.array([rectangle(own) for own in masks], np.float32).reshape(-1, 4)
    return boxes, masks
