"""Tables as files."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xaiaudit.writing import write_atomically


def write_table(path: Path, table: pa.Table) -> None:
    """As Parquet, by `write_atomically`."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_atomically(path, buffer.getvalue())
