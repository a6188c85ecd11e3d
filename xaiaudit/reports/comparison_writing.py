"""The folder of `xaiaudit compare`: record, table, pictures and PDF; never an audit's own."""

import csv
import io
from functools import partial
from pathlib import Path

import pyarrow as pa

from xaiaudit.audit_files import RECORD as AUDIT
from xaiaudit.comparison_record import ComparisonRecord
from xaiaudit.errors import UsageError
from xaiaudit.reports.comparison_document import FLIPS, document, draw_flips
from xaiaudit.reports.comparison_drift import DRIFT, draw_drift
from xaiaudit.reports.targets import check_new, writing_into
from xaiaudit.reports.typesetting import save, typeset
from xaiaudit.writing import write_atomically

FILES = RECORD, IMAGES, PDF = "comparison.json", "images.csv", "comparison.pdf"


def default_folder(before: Path, after: Path) -> Path:
    """compare-<older>-<newer>, beside the newer audit."""
    return after.resolve().parent / f"compare-{before.resolve().name}-{after.resolve().name}"


def check_folder(folder: Path) -> None:
    """Raises UsageError where the folder lies in an audit, which never changes, or holds a comparison already."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / AUDIT).exists():
            raise UsageError(
                f"{folder} lies in the audit {place}, which never changes; name another folder with --out"
            )
    check_new(folder, FILES)


def write(record: ComparisonRecord, images: pa.Table, folder: Path) -> list[Path]:
    """Write all files into the folder, made if need be; returns their paths."""
    check_folder(folder)
    pictures = []
    with writing_into(folder):
        write_atomically(folder / RECORD, record.model_dump_json(indent=1).encode())
        write_atomically(folder / IMAGES, as_csv(images).encode())
        if record.attacks:
            draw_flips(record, folder / FLIPS)
            pictures.append(folder / FLIPS)
        if record.drift:
            draw_drift(record, images, folder / DRIFT)
            pictures.append(folder / DRIFT)
    pdf = save(typeset(partial(document, record, images), record.after.created), folder / PDF)
    return [folder / RECORD, folder / IMAGES, *pictures, pdf]


def as_csv(images: pa.Table) -> str:
    """Null is empty; true and false are 1 and 0; numbers have six digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(images.column_names)
    for row in images.to_pylist():
        writer.writerow([_cell(value) for value in row.values()])
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    return f"{value:.6g}" if isinstance(value, float) else value
