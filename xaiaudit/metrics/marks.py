"""Which boxes of a detector found a lesion: for FROC, average precision and what is asked of single lesions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.metrics.pseudo_mask import box_iou

Boxes = Float[np.ndarray, "b 4"]  # x0, y0, x1, y1 in pixels, half-open
MISS, AGAIN = -1, -2  # of a box: on no lesion; on one that a likelier box has found


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """What a detector drew on one image, and what is there."""

    boxes: Boxes
    scores: Float[np.ndarray, "b"]
    lesions: Float[np.ndarray, "g 4"]  # true boxes; none of an image without a lesion


def found(marks: Marks, iou: float, *, reached: bool = False) -> Int[np.ndarray, "b"]:
    """Of each box the lesion (index) that it is the first to find, else MISS or AGAIN.

    Boxes come by falling score, of equal scores the one that is drawn first. A box finds the lesion that it overlaps
    most among those that no box has found yet.

    Args:
        iou: that must be exceeded, or with `reached`, held.
    """
    overlap = np.array([box_iou(box, marks.lesions) for box in marks.boxes]).reshape(
        len(marks.boxes), len(marks.lesions)
    )
    enough = overlap >= iou if reached else overlap > iou
    first = np.full(len(marks.boxes), MISS)
    free = np.ones(len(marks.lesions), bool)
    for row in np.argsort(-marks.scores, kind="stable"):
        if not enough[row].any():
            continue
        open_to_it = enough[row] & free
        if open_to_it.any():
            first[row] = int(np.argmax(np.where(open_to_it, overlap[row], -1)))
            free[first[row]] = False
        else:
            first[row] = AGAIN
    return first


def best_scores(marks: Marks, iou: float) -> Float[np.ndarray, "g"]:
    """Of each lesion the score of the box that finds it, (g,); -inf where none does."""
    first = found(marks, iou)
    best = np.full(len(marks.lesions), -np.inf)
    best[first[first >= 0]] = marks.scores[first >= 0]
    return best
