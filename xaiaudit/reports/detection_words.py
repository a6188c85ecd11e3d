"""What a detector finds and what is left of it under attack, in one line."""

from xaiaudit.records import AuditRecord, DetectionRecord
from xaiaudit.reports import format as f

GOALS = {  # by the name of the criterion, in the order in which they are told
    "hide": "Hide the lesion",
    "leave-decision": "Flip the decision",
    "move": "Move the box",
    "invent": "Invent a lesion",
}


def lesions_found(record: AuditRecord) -> str | None:
    """Of the clean images, and under the attack that leaves the fewest; None for a model that draws no boxes."""
    clean = record.clean.detection
    if clean is None:
        return None
    if clean.found is None:
        return f"not assessed, because of no image it is known where a lesion lies; {_false(clean)}"
    how = f"by boxes of a score of {clean.score:g} or more, IoU above {clean.iou:g}"
    said = f"clean {f.hits(clean.found)}, {f.rate(clean.found)}, {how}; {_false(clean)}"
    under = {a.id: a.detection for a in record.attacks if a.detection is not None}
    left = {name: own for name, own in under.items() if own.found is not None}
    if not left:
        return said
    name = min(left, key=lambda key: _estimate(left[key]))
    own = left[name]
    fewest = (
        f"under {f.printable(name)} {f.hits(own.found)}, {f.rate(own.found)}" if own.found is not None else ""
    )
    return f"{said}. {'Fewest ' if len(left) > 1 else ''}{fewest}; {_false(own)}"


def _false(record: DetectionRecord) -> str:
    return f"{f.fixed(record.false_marks, 2)} false marks an image"


def _estimate(record: DetectionRecord) -> float:
    found = record.found
    return found.estimate if found is not None and found.estimate is not None else 1.0
