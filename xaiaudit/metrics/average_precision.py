"""Average precision of boxes, as COCO computes it."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.metrics.marks import Marks, found

RECALLS = np.linspace(0, 1, 101)


def average_precision(images: Sequence[Marks], iou: float) -> float:
    """Area under precision over recall, in [0, 1], of boxes that find a lesion from IoU `iou` on.

    A second box on a lesion is a false one. Precision at each of 101 recalls is the highest at that recall or above it,
    0 beyond the last. NaN without a lesion.

    Source: Lin et al. 2014 (COCO), as in pycocotools with all boxes of an image.
    """
    lesions = sum(len(marks.lesions) for marks in images)
    if not lesions:
        return float("nan")
    hit = np.concatenate([found(marks, iou, reached=True) >= 0 for marks in images])
    order = np.argsort(-np.concatenate([marks.scores for marks in images]), kind="stable")
    if not len(order):
        return 0.0
    hits = hit[order].cumsum()
    recall, precision = hits / lesions, hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALLS, side="left")
    return float(np.where(place < len(best), best[np.minimum(place, len(best) - 1)], 0.0).mean())
