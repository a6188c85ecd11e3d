"""All that is said of the boxes of a detector, with case-level intervals."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.metrics.average_precision import average_precision
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.froc import IOU, froc, share_at
from xaiaudit.metrics.marks import Marks, false_marks, lesions_found
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import DetectionRecord, Interval
from xaiaudit.types import Flags, Vector

SCORE = 0.5  # from which on a box counts: its class is likelier than all else together
DICE_IOU = 0.4  # at which a lesion counts as found for the Dice of its mask: Gao et al. 2020, section 3.4.2
RATES = (0.25, 0.5, 1.0, 2.0, 4.0)  # false marks an image
OVERLAPS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def detection_record(
    images: Sequence[Marks | None], cases: Cases, dice: Vector | None = None
) -> DetectionRecord:
    """Of n images, None where it is not known where the lesions are.

    Args:
        cases: the case id of each image.
        dice: (n,) of the mask of each image, NaN where undefined.
    """
    known = np.array([image is not None for image in images], bool)
    marks = [image for image in images if image is not None]
    of_case = select(cases, known)
    false = [false_marks(own, IOU, SCORE) for own in marks]
    return DetectionRecord(
        iou=IOU,
        images=len(marks),
        unknown=len(images) - len(marks),
        lesions=sum(len(own.lesions) for own in marks),
        score=SCORE,
        found=_found(marks, of_case),
        false_marks=float(np.mean(false)) if marks else None,
        found_dice=None if dice is None else _dice(marks, of_case, dice[known]),
        dice_iou=DICE_IOU,
        shares={f"{rate:g}": share_at(marks, of_case, rate) for rate in RATES},
        precision=_precision(marks),
        by_iou={f"{iou:g}": share_at(marks, of_case, 1.0, iou) for iou in OVERLAPS},
        froc=froc(marks),
    )


def _found(marks: Sequence[Marks], cases: Cases) -> Interval | None:
    """Over lesions, each of the case of its image."""
    hits = [lesions_found(own, IOU, SCORE) for own in marks]
    of_lesion = [case for own, case in zip(hits, cases, strict=True) for _ in own]
    return proportion(np.concatenate(hits), of_lesion) if of_lesion else None


def _dice(marks: Sequence[Marks], cases: Cases, dice: Vector) -> Interval | None:
    there: Flags = np.array([_all_found(own) for own in marks], bool) & np.isfinite(dice)
    return bootstrap(dice[there], select(cases, there)) if there.any() else None


def _all_found(marks: Marks) -> bool:
    return len(marks.lesions) > 0 and bool(lesions_found(marks, DICE_IOU, SCORE).all())


def _precision(marks: Sequence[Marks]) -> dict[str, float]:
    values = {f"{iou:g}": average_precision(marks, iou) for iou in OVERLAPS}
    return {iou: value for iou, value in values.items() if np.isfinite(value)}
