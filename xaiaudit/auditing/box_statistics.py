"""What a detector finds on one version of the images."""

from xaiaudit.auditing.box_columns import marks
from xaiaudit.metrics.detection import detection_record
from xaiaudit.records import DetectionRecord
from xaiaudit.rows import Rows


def detection(rows: Rows) -> DetectionRecord | None:
    """None for a model that draws no boxes."""
    drawn = marks(rows)
    return None if drawn is None else detection_record(drawn, rows.cases, rows.floats("dice"))
