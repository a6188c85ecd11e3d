"""How well a predicted lesion mask matches the outline."""

import numpy as np

from xaiaudit.functional import soft_dice
from xaiaudit.types import Flags, Masks, Vector


def dice(predicted: Masks, masks: Masks, known: Flags | None = None) -> Vector:
    """Dice score 2 |A.B| / (|A| + |B|) of each image.

    Args:
        predicted: (n, h, w) bool, e.g. mask logits >= 0.
        masks: outlined lesions, (n, h, w) bool.
        known: (n,) images that have an outline; None: all.

    Returns:
        (n,) in [0, 1]; NaN where no outline is known or both masks are empty.

    Source: Dice 1945, Ecology 26:297-302.
    """
    with np.errstate(invalid="ignore"):  # 0/0 of two empty masks is the NaN that is meant
        scores: Vector = soft_dice(predicted, masks)
    return scores if known is None else np.where(known, scores, np.nan)


def iou_from_dice(dice_score: Vector) -> Vector:
    """Intersection over union of the same two masks, D / (2 - D), (n,) in [0, 1]; NaN where the Dice score is."""
    return np.asarray(dice_score / (2 - dice_score))
