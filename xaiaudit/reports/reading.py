"""An audit folder, read whole before a report is begun, so that what is missing is said at once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from xaiaudit.audit_files import (
    MAP_TABLE,
    PREDICTION_TABLE,
    RECORD,
    SWEEP_TABLE,
    check_tables,
    digest,
    table_digests,
)
from xaiaudit.audit_files import (
    read_record as read_record,
)
from xaiaudit.audit_files import (
    read_table as read_table,
)
from xaiaudit.errors import AuditError
from xaiaudit.gate_record import Verdict
from xaiaudit.records import SHIFT_METRICS, AuditRecord
from xaiaudit.reports.boxes import read_boxes
from xaiaudit.reports.reading_verdict import read_verdict

PREDICTION_COLUMNS = [
    "image",
    "attack_id",
    "epsilon",
    "curve",
    "quantised",
    "flipped",
    "reached",
    "linf",
    "l2",
    "dice",
]
MAP_COLUMNS = ["image", "attack_id", "explainer_id", "target", *SHIFT_METRICS]
PIXEL_COLUMNS = [*MAP_COLUMNS[:4], "defined", "grid_rows", "grid_columns", "map_scale", "map"]
EXTREME_COLUMN = "maximum_cells"  # not in audits of older versions
LESION_COLUMN, OVERLAP_COLUMN = "outlined_lesion", "mask_overlap"  # likewise
SWEEP_COLUMNS = ["image", "change_id", "explainer_id", "seed", *SHIFT_METRICS]


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """What a report is made from. The tables hold only the columns that reports use."""

    folder: Path
    record: AuditRecord
    predictions: pa.Table
    maps: pa.Table  # shift of every map, without the maps
    gallery_maps: pa.Table  # rows of the gallery's images, with the maps
    sweeps: pa.Table | None  # of simulated second sweeps; None where there were none
    gallery_boxes: pa.Table | None = None  # of the gallery's images; None of a model that draws no boxes
    sha256: dict[str, str]  # of the files above
    verdict: Verdict | None = None  # gate.json, where it speaks of this audit.json
    verdict_fault: str = ""  # why a gate.json that is there is not used


def read_audit(folder: Path) -> Audit:
    """The audit in `folder`.

    Raises:
        AuditError: audit.json or a table is missing, unreadable or of a newer schema, or a gallery file is
            missing.
    """
    record = read_record(folder)
    tables = check_tables(folder, record)
    verdict, fault = read_verdict(folder, digest(folder / RECORD))
    shown = sorted({case.image for case in record.gallery})
    for case in record.gallery:
        for file in case.files.values():
            if not (folder / file).is_file():
                raise AuditError(
                    f"{folder / file} is missing, which audit.json lists for the gallery case "
                    f"{case.image}; restore the folder or run the audit again"
                )
    return Audit(
        folder=folder,
        record=record,
        predictions=read_table(
            folder / PREDICTION_TABLE, PREDICTION_COLUMNS, optional=[LESION_COLUMN, OVERLAP_COLUMN]
        ),
        maps=read_table(folder / MAP_TABLE, MAP_COLUMNS),
        gallery_maps=read_table(
            folder / MAP_TABLE,
            PIXEL_COLUMNS,
            pc.field("image").isin(pa.array(shown, pa.string())),
            optional=[EXTREME_COLUMN],
        ),
        sweeps=None if record.variability is None else read_table(folder / SWEEP_TABLE, SWEEP_COLUMNS),
        gallery_boxes=None if record.clean.detection is None else read_boxes(folder, shown),
        sha256={RECORD: digest(folder / RECORD), **(tables or table_digests(folder, record))},
        verdict=verdict,
        verdict_fault=fault,
    )


def opened(audit: Path | str | Audit) -> Audit:
    """An audit that was read already, else the one in that folder; raises as `read_audit`."""
    return audit if isinstance(audit, Audit) else read_audit(Path(audit))


def read_picture(path: Path) -> np.ndarray:
    """A picture of the gallery in grey levels, or an array.

    Raises:
        AuditError: it cannot be read.
    """
    try:
        return (
            np.load(path, allow_pickle=False)
            if path.suffix == ".npy"
            else np.asarray(Image.open(path).convert("L"))
        )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise AuditError(
            f"{path} cannot be read ({reason}); restore the folder or run the audit again"
        ) from error
