"""The single lesions of an outline: a mask may hold several, and a detector draws a box around each."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import label

from xaiaudit.metrics.boxes import rectangle
from xaiaudit.types import BoxArray, Mask, Masks, Sample

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


def true_boxes(sample: Sample) -> Float[np.ndarray, "g 4"] | None:
    """Where the lesions of one image are, by its outline, else by its boxes; none of an image that is labelled normal.

    None: neither is known.
    """
    if sample.mask is not None and (sample.mask.any() or sample.label in (None, "normal")):
        return lesions(sample.mask)[0].astype(np.float64)
    if sample.boxes is not None:
        return sample.boxes.astype(np.float64)
    return np.zeros((0, 4)) if sample.label == "normal" else None
