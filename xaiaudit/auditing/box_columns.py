"""The boxes that a detector draws: columns of predictions.parquet, and back."""

from typing import Any

import numpy as np

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.lesions import true_boxes
from xaiaudit.metrics.marks import Marks
from xaiaudit.records import BOX
from xaiaudit.rows import Rows

COLUMNS = ("boxes", "true_boxes")


def box_columns(loaded: Loaded, judged: Judged) -> dict[str, list[Any]]:
    """Each of `COLUMNS`, one value an image; all null for a model that draws no boxes.

    `true_boxes` are those of the lesions, x0, y0, x1, y1 of each; null where there is a lesion and nobody knows where.
    """
    if judged.boxes is None:
        return {name: [None] * len(judged.decision) for name in COLUMNS}
    known = [true_boxes(sample) for sample in loaded.samples]
    return {
        "boxes": [boxes.ravel().tolist() for boxes in judged.boxes],
        "true_boxes": [None if boxes is None else boxes.ravel().tolist() for boxes in known],
    }


def marks(rows: Rows) -> list[Marks | None] | None:
    """Boxes and lesions of each row; None for a model that draws none."""
    if not set(COLUMNS) <= set(rows.table.column_names):  # of an older version
        return None
    drawn, known = (rows.table[name].to_pylist() for name in COLUMNS)
    if any(boxes is None for boxes in drawn):
        return None
    return [_marks(boxes, lesions) for boxes, lesions in zip(drawn, known, strict=True)]


def _marks(boxes: list[float], lesions: list[float] | None) -> Marks | None:
    if lesions is None:
        return None
    table = np.array(boxes, np.float64).reshape(-1, len(BOX))
    return Marks(boxes=table[:, :4], scores=table[:, 4], lesions=np.array(lesions, np.float64).reshape(-1, 4))
