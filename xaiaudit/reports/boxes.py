"""The boxes of a detector as predictions.parquet holds them, image by image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from xaiaudit.audit_files import PREDICTION_TABLE, read_table
from xaiaudit.metrics.marks import Marks, false_marks, lesions_found, stored_boxes, stored_lesions
from xaiaudit.records import DetectionRecord
from xaiaudit.reports import format as f

COLUMNS = ("image", "attack_id", "boxes", "true_boxes")


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What a detector drew on one image, the likeliest first, and what is there."""

    boxes: Float[np.ndarray, "b 4"]  # x0, y0, x1, y1 in pixels of the input grid, half-open
    scores: Float[np.ndarray, "b"]
    labels: Int[np.ndarray, "b"]  # class index
    lesions: Float[np.ndarray, "g 4"] | None  # true boxes; None where there is one and nobody knows where

    def counting(self, score: float) -> Float[np.ndarray, "c 4"]:
        """The boxes of that score or more."""
        return self.boxes[self.scores >= score]

    def found(self, record: DetectionRecord) -> int | None:
        """Lesions found by boxes that count; None where it is not known where they are."""
        marks = self._marks()
        return None if marks is None else int(lesions_found(marks, record.iou, record.score).sum())

    def false_marks(self, record: DetectionRecord) -> int | None:
        """Boxes that count and lie on no lesion; None likewise."""
        marks = self._marks()
        return None if marks is None else false_marks(marks, record.iou, record.score)

    def likeliest(self, classes: Sequence[str]) -> str:
        """Class and score of the likeliest box, e.g. malignant 0.93."""
        if not len(self.scores):
            return "none"
        first = int(self.scores.argmax())
        return f"{f.printable(classes[self.labels[first]])}{f.NBSP}{f.fixed(float(self.scores[first]), 2)}"

    def _marks(self) -> Marks | None:
        if self.lesions is None:
            return None
        return Marks(boxes=self.boxes, scores=self.scores, lesions=self.lesions)


def drawn(row: Mapping[str, Any]) -> Drawn:
    """Of a row of the table that `read_boxes` gives."""
    table = stored_boxes(row["boxes"])
    return Drawn(
        boxes=table[:, :4],
        scores=table[:, 4],
        labels=table[:, 5].astype(np.int64),
        lesions=stored_lesions(row["true_boxes"]),
    )


def drawn_on(table: pa.Table, image: str, attack_id: str) -> Drawn:
    """Of one image in such a table, clean ("none") or after an attack."""
    own = (pc.field("image") == image) & (pc.field("attack_id") == attack_id)
    return drawn(table.filter(own).to_pylist()[0])


def read_boxes(folder: Path, images: Sequence[str] | None = None) -> pa.Table:
    """`COLUMNS` of clean and attacked images before rounding, without the curve; of these `images`, or of all.

    Raises:
        AuditError: the table, or a column of it, is missing.
    """
    chosen = ~pc.field("quantised") & ~pc.field("curve")
    if images is not None:
        chosen &= pc.field("image").isin(pa.array(images, pa.string()))
    return read_table(folder / PREDICTION_TABLE, COLUMNS, chosen)
