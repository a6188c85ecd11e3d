"""What a detector draws on a gallery case, before and after the attack."""

import numpy as np

from xaiaudit.records import DetectionRecord, GalleryCase
from xaiaudit.reports import format as f
from xaiaudit.reports.boxes import Drawn, drawn_on
from xaiaudit.reports.figures.boxes import boxes_panel
from xaiaudit.reports.figures.panels import Rgb
from xaiaudit.reports.reading import Audit

BOXES = "Boxes"
NONE = np.zeros((0, 4))


def boxes_legend(record: DetectionRecord | None) -> str:
    """To be added to the gallery's; nothing of a model that draws no boxes."""
    if record is None:
        return ""
    return (
        f" Under “{BOXES}”: solid and white the boxes around the lesions, dashed and blue those that the model draws "
        "on the clean image, dotted and orange those that it draws after the attack, before rounding to 8 bits; all of "
        f"a score of {record.score:g} or more. No solid line: no lesion, or none outlined or boxed."
    )


def boxes_picture(
    audit: Audit, case: GalleryCase, image: np.ndarray, *, attacked: bool
) -> tuple[Rgb, str, str] | None:
    """The picture, what stands above it, and what it shows in words; None of a model that draws no boxes."""
    record = audit.record.clean.detection
    if audit.gallery_boxes is None or record is None:
        return None
    before = _drawn(audit, case, "none")
    now = _drawn(audit, case, case.attack_id) if attacked else before
    lesions = NONE if before.lesions is None else before.lesions
    clean, after = before.counting(record.score), now.counting(record.score) if attacked else NONE
    shown = after if attacked else clean
    said = f"{f.count(len(lesions), 'box', 'boxes')} around lesions, {len(clean)} drawn clean"
    if attacked:
        said += f", {len(after)} attacked"
    return boxes_panel(image, lesions, clean, after), "" if len(shown) else "no box counts", said


def of_the_boxes(audit: Audit, case: GalleryCase) -> str:
    """Lesions found, false marks and the likeliest box, before and after; of another model nothing."""
    record = audit.record.clean.detection
    if audit.gallery_boxes is None or record is None:
        return ""
    states = [_drawn(audit, case, "none"), _drawn(audit, case, case.attack_id)]
    known = states[0].lesions
    said = []
    if known is not None:
        if len(known):
            said.append(f"lesions found {_arrow([own.found(record) for own in states])} of {len(known)}")
        said.append(f"false marks {_arrow([own.false_marks(record) for own in states])}")
    said.append(f"likeliest {_arrow([own.likeliest(audit.record.checkpoint.classes) for own in states])}")
    return f" Boxes: {'; '.join(said)}."


def _arrow(pair: list[str] | list[int | None]) -> str:
    return " → ".join(str(value) for value in pair)


def _drawn(audit: Audit, case: GalleryCase, attack_id: str) -> Drawn:
    assert audit.gallery_boxes is not None
    return drawn_on(audit.gallery_boxes, case.image, attack_id)
