"""What a detector draws, as the page's table and viewer show it: by image, and of pictures the boxes themselves."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.audit_files import PREDICTION_TABLE
from xaiaudit.records import DetectionRecord, GalleryCase
from xaiaudit.reports.boxes import drawn, drawn_on, read_boxes
from xaiaudit.reports.html.cases import in_order
from xaiaudit.reports.html.values import plain
from xaiaudit.reports.reading import Audit

Columns = dict[str, Any]


def box_columns(audit: Audit, names: list[str]) -> list[Columns] | None:
    """Of clean images and then of each attack, in the order of `names`; None of a model that draws no boxes.

    `lesions` and what follows from it is None where it is not known where an image's lesions are.

    Raises:
        AuditError: predictions.parquet lacks the boxes, or those of an image.
    """
    record = audit.record.clean.detection
    if record is None:
        return None
    rows, where = read_boxes(audit.folder), audit.folder / PREDICTION_TABLE
    states = ("none", *(attack.id for attack in audit.record.attacks))
    return [
        _state(
            in_order(rows.filter(pc.field("attack_id") == state), names, f"{where} under {state}"),
            audit,
            record,
        )
        for state in states
    ]


def _state(rows: pa.Table, audit: Audit, record: DetectionRecord) -> Columns:
    every = [drawn(row) for row in rows.to_pylist()]
    return {
        "lesions": [None if own.lesions is None else len(own.lesions) for own in every],
        "found": [own.found(record) for own in every],
        "falseMarks": [own.false_marks(record) for own in every],
        "likeliest": [own.likeliest(audit.record.checkpoint.classes) for own in every],
    }


def picture_boxes(audit: Audit, case: GalleryCase) -> Columns:
    """Boxes that count, x0, y0, x1, y1 of each; nothing of a model that draws none."""
    record = audit.record.clean.detection
    if audit.gallery_boxes is None or record is None:
        return {}
    before, after = (drawn_on(audit.gallery_boxes, case.image, state) for state in ("none", case.attack_id))
    return {
        "boxes": {
            "lesions": [] if before.lesions is None else [plain(box) for box in before.lesions],
            "clean": [plain(box) for box in before.counting(record.score)],
            "attacked": [plain(box) for box in after.counting(record.score)],
        }
    }
