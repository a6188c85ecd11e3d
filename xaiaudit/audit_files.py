"""The files of a finished audit, as whoever needs the folder alone reads them: reports, comparisons."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from xaiaudit.errors import AuditError
from xaiaudit.records import SCHEMA, AuditRecord

RECORD, PREDICTION_TABLE, MAP_TABLE = "audit.json", "predictions.parquet", "maps.parquet"
SWEEP_TABLE = "acquisition.parquet"  # where second sweeps were simulated


def read_record(folder: Path) -> AuditRecord:
    """audit.json of `folder`, checked.

    Raises:
        AuditError: it is missing, no valid record, or of a newer schema than this xaiaudit reads.
    """
    path = folder / RECORD
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise AuditError(
            f"{folder} holds no readable audit ({RECORD}: {error.strerror}); name the --out folder of a "
            "finished audit"
        ) from error
    except ValueError as error:
        raise AuditError(f"{path} is not JSON ({error}); run the audit again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise AuditError(
            f"{path} has schema version {version}, this xaiaudit reads up to {SCHEMA}; read it with "
            f"xaiaudit {content.get('xaiaudit', 'of a newer version')} or newer"
        )
    try:
        return AuditRecord.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise AuditError(
            f"{path} is no audit record of schema version {SCHEMA} ({where}: {first['msg']}); run the "
            "audit again"
        ) from error


def table_files(record: AuditRecord) -> list[str]:
    """Names of the tables that lie beside this record."""
    return [PREDICTION_TABLE, MAP_TABLE, *([SWEEP_TABLE] if record.variability else [])]


def table_digests(folder: Path, record: AuditRecord) -> dict[str, str]:
    """SHA-256 of every table, as the record keeps them."""
    return {name: digest(folder / name) for name in table_files(record)}


def check_tables(folder: Path, record: AuditRecord) -> dict[str, str]:
    """The tables must be those that the record was computed from. Audits of older versions do not tell.

    Returns:
        SHA-256 of each table, by file; empty of an older version.

    Raises:
        AuditError: a table is missing, cannot be read, or is another.
    """
    for name, sha256 in record.tables.items():
        path = folder / name
        if _digest_of_table(path) != sha256:
            raise AuditError(
                f"{path} is not the table that {RECORD} was computed from (its SHA-256 differs); restore the folder "
                "or run the audit again"
            )
    return record.tables


def _digest_of_table(path: Path) -> str:
    try:
        return digest(path)
    except FileNotFoundError:
        raise AuditError(
            f"{path} is missing, which belongs beside {RECORD}: restore the folder or run the audit again"
        ) from None
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({error.strerror})") from error


def read_table(
    path: Path, columns: Sequence[str], rows: pc.Expression | None = None, *, optional: Sequence[str] = ()
) -> pa.Table:
    """Some columns of a table of an audit, those that are `optional` where it has them, and `rows` of it or all.

    Raises:
        AuditError: the table or a column is missing, or it cannot be read.
    """
    try:
        found = pq.read_schema(path)
        missing = [name for name in columns if name not in found.names]
        if missing:
            raise AuditError(f"{path} lacks the column {missing[0]!r}; run the audit again")
        columns = [*columns, *(name for name in found.names if name in optional)]
        return pq.read_table(path, columns=columns, filters=rows)
    except FileNotFoundError:
        raise AuditError(
            f"{path} is missing, which belongs beside {RECORD}: finish the audit with --resume, or run "
            "it again"
        ) from None
    except (OSError, pa.ArrowInvalid) as error:
        raise AuditError(
            f"{path} cannot be read ({str(error).splitlines()[0]}); run the audit again"
        ) from error


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
