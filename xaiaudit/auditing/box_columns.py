"""The boxes that a detector draws: columns of predictions.parquet, and back."""

from typing import Any

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.marks import Marks, stored_boxes, stored_lesions
from xaiaudit.rows import Rows

COLUMNS = ("boxes", "true_boxes")


def box_columns(loaded: Loaded, judged: Judged) -> dict[str, list[Any]]:
    """Each of `COLUMNS`, one value an image; all null for a model that draws no boxes.

    `true_boxes` are those of the lesions, x0, y0, x1, y1 of each; null where there is a lesion and nobody knows where.
    """
    drawn = judged.boxes
    if drawn is None:
        return {name: [None] * len(judged.decision) for name in COLUMNS}
    return {
        "boxes": [boxes.ravel().tolist() for boxes in drawn],
        "true_boxes": [None if boxes is None else boxes.ravel().tolist() for boxes in loaded.true_boxes],
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
    known = stored_lesions(lesions)
    if known is None:
        return None
    table = stored_boxes(boxes)
    return Marks(boxes=table[:, :4], scores=table[:, 4], lesions=known)
