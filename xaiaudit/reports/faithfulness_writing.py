"""The folder of `xaiaudit faithfulness --out`: record, table and PDF."""

from functools import partial
from pathlib import Path

import pyarrow as pa

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness_record import FaithfulnessRecord
from xaiaudit.parquet import write_table
from xaiaudit.reports.faithfulness_document import document
from xaiaudit.reports.typesetting import save, typeset
from xaiaudit.writing import write_atomically

RECORD, TABLE, PDF = "faithfulness.json", "faithfulness.parquet", "faithfulness.pdf"


def check_new(folder: Path) -> None:
    """Raises UsageError where the folder holds such files: what was measured is never written over."""
    there = [name for name in (RECORD, TABLE, PDF) if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder} holds {there[0]} already; name another folder with --out")


def write(record: FaithfulnessRecord, table: pa.Table, folder: Path) -> list[Path]:
    """Write the three files into the folder, made if need be; returns their paths."""
    check_new(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / RECORD, record.model_dump_json(indent=1).encode())
        write_table(folder / TABLE, table)
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder} ({error.strerror}); name another folder with --out"
        ) from error
    return [
        folder / RECORD,
        folder / TABLE,
        save(typeset(partial(document, record), record.created), folder / PDF),
    ]
