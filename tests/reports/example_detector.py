"""The made-up audit as if its model drew boxes: columns of the tables, and what the real code makes of them."""

from pathlib import Path
from typing import Any

import example_audit
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xaiaudit.auditing.box_statistics import detection
from xaiaudit.records import AuditRecord
from xaiaudit.rows import prediction_rows

GOALS = {
    "fgsm": ("hide", "hide the lesion: no box of a score of 0.5 or more overlaps it by an IoU above 0.2"),
    "pgd": ("invent", "invent a lesion: a box of a score of 0.5 or more where there is none"),
    "deepfool": ("leave-decision", "leave the clean decision"),
}
HALF = np.array([19, 14])  # of a lesion's axes, across and down
UNKNOWN, NORMAL = 5, 6  # images of which nobody knows where the lesion is, and which show none


def build(folder: Path, *, images: int = 12) -> Path:
    """Write the folder: every image but `NORMAL` has one lesion, found when clean but for every fourth."""
    example_audit.build(folder, images=images)
    example = example_audit.Example(images, 0, example_audit.SPACING)
    table = pq.read_table(folder / "predictions.parquet")
    rows = table.to_pylist()
    for row in rows:
        image = example.names.index(row["image"])
        row["true_boxes"] = _lesions(example, image)
        row["boxes"] = [number for box in _boxes(example, image, row["attack_id"]) for number in box]
    table = pa.Table.from_pylist(rows, table.schema)
    pq.write_table(table, folder / "predictions.parquet")
    record = AuditRecord.model_validate_json((folder / "audit.json").read_text())
    clean = record.clean.model_copy(update={"detection": detection(prediction_rows(table, "none"))})
    attacks = [
        attack.model_copy(
            update={
                "detection": detection(prediction_rows(table, attack.id)),
                "criterion_name": GOALS[attack.id][0],
                "criterion": GOALS[attack.id][1],
            }
        )
        for attack in record.attacks
    ]
    record = record.model_copy(update={"clean": clean, "attacks": attacks})
    (folder / "audit.json").write_text(record.model_dump_json(indent=1))
    return folder


def lesion_box(example: Any, image: int) -> list[float]:
    """x0, y0, x1, y1."""
    middle = example.centre[image][::-1]
    return [*(middle - HALF).tolist(), *(middle + HALF).tolist()]


def _lesions(example: Any, image: int) -> list[float] | None:
    if image == UNKNOWN:
        return None
    return [] if image == NORMAL else lesion_box(example, image)


def _boxes(example: Any, image: int, attack: str) -> list[list[float]]:
    """On the lesion and, fainter, in a corner; `fgsm` halves the one and doubles the other."""
    on_it, label = 0.4 if image % 4 == 3 else 0.9 - 0.01 * image, float(example.decision[image])
    near = np.array(lesion_box(example, image)) + 3
    corner = [70.0, 80.0, 100.0, 105.0]
    strength = {"none": (1.0, 1.0), "fgsm": (0.5, 2.0), "pgd": (1.0, 1.5), "deepfool": (0.7, 1.0)}[attack]
    scores = on_it * strength[0] * (image != NORMAL), 0.3 * strength[1]
    return sorted([[*near.tolist(), scores[0], label], [*corner, scores[1], label]], key=lambda box: -box[4])
