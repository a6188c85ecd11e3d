"""The folder of `xaiaudit faithfulness --out`: record, table and PDF."""

from functools import partial
from pathlib import Path

import pyarrow as pa

from xaiaudit.faithfulness_record import FaithfulnessRecord
from xaiaudit.parquet import write_table
from xaiaudit.reports.faithfulness_document import document
from xaiaudit.reports.targets import check_new, writing_into
from xaiaudit.reports.typesetting import save, typeset
from xaiaudit.writing import write_atomically

FILES = RECORD, TABLE, PDF = "faithfulness.json", "faithfulness.parquet", "faithfulness.pdf"


def write(record: FaithfulnessRecord, table: pa.Table, folder: Path) -> list[Path]:
    """Write the three files into the folder, made if need be; returns their paths."""
    check_new(folder, FILES)
    with writing_into(folder):
        write_atomically(folder / RECORD, record.model_dump_json(indent=1).encode())
        write_table(folder / TABLE, table)
    pdf = save(typeset(partial(document, record), record.created), folder / PDF)
    return [folder / RECORD, folder / TABLE, pdf]
