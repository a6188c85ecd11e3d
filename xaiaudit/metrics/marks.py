"""Which boxes of a detector found a lesion: for FROC, average precision and what is asked of single lesions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from xaiaudit.metrics.pseudo_mask import box_iou
from xaiaudit.records import BOX

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


def lesions_found(marks: Marks, iou: float, score: float) -> Bool[np.ndarray, "g"]:
    """Of each lesion whether a box of that score or more finds it."""
    return best_scores(marks, iou) >= score


def false_marks(marks: Marks, iou: float, score: float) -> int:
    """Boxes of that score or more on no lesion."""
    return int(((found(marks, iou) == MISS) & (marks.scores >= score)).sum())


def stored_boxes(flat: Sequence[float]) -> Float[np.ndarray, "b 6"]:
    """Boxes as predictions.parquet holds them, one after the other, with the columns of `records.BOX`."""
    return np.array(flat, np.float64).reshape(-1, len(BOX))


def stored_lesions(flat: Sequence[float] | None) -> Float[np.ndarray, "g 4"] | None:
    """True boxes likewise; None where it is not known where the lesions are."""
    return None if flat is None else np.array(flat, np.float64).reshape(-1, 4)
