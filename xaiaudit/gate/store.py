"""The store of accepted audits: index.json, one folder an audit, the newest of which is the baseline. No torch."""

import re
import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from xaiaudit.audit_files import RECORD, digest
from xaiaudit.errors import AuditError, UsageError
from xaiaudit.gate_record import Status
from xaiaudit.records import Record
from xaiaudit.writing import write_atomically

INDEX = "index.json"
_NAME = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{12}")  # of an entry: day of acceptance, hash of the audit
STORE_SCHEMA = 1  # of index.json


class Accepted(Record):
    """One entry of the index."""

    name: str  # of its folder in the store
    date: str  # of its acceptance, UTC, ISO 8601
    checkpoint: str  # its file
    checkpoint_sha256: str
    audit_sha256: str  # of its audit.json
    policy_sha256: str | None  # of the policy that it was judged by
    verdict: Status | Literal["none"]
    by: str  # who accepted it
    note: str = ""
    despite: str = ""  # why it was accepted although it had not passed
    files: dict[str, str] = Field(default_factory=dict)  # SHA-256 of each, by name


class Index(Record):
    """index.json, whole; the newest is last."""

    schema_version: int = STORE_SCHEMA
    entries: list[Accepted] = Field(default_factory=list)


def read_index(store: Path) -> Index:
    """The index of a store, empty where there is no store yet.

    Raises:
        AuditError: it cannot be read, or is of a newer schema.
    """
    path = store / INDEX
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Index()
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({error.strerror})") from error
    try:
        index = Index.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise AuditError(
            f"{path} is no index of accepted audits ({where}: {first['msg']}); restore it, or name another store"
        ) from error
    if index.schema_version > STORE_SCHEMA:
        raise AuditError(
            f"{path} has schema version {index.schema_version}, this xaiaudit reads up to {STORE_SCHEMA}; use a newer "
            "one"
        )
    return index


def newest(store: Path) -> Path | None:
    """The folder of the audit that was accepted last; None where none was.

    Raises:
        AuditError: it is not there, or is not what was accepted.
    """
    index = read_index(store)
    if not index.entries:
        return None
    entry = index.entries[-1]
    folder = store / entry.name
    if not (folder / RECORD).is_file():
        raise AuditError(
            f"{folder} is missing, the newest accepted audit of {store / INDEX}; restore the store"
        )
    for name, sha256 in {**entry.files, RECORD: entry.audit_sha256}.items():
        if not (folder / name).is_file() or digest(folder / name) != sha256:
            raise AuditError(
                f"{folder / name} is not the file that was accepted (its SHA-256 is not that of {store / INDEX}); "
                "restore the store"
            )
    return folder


def check_not_accepted(folder: Path) -> None:
    """A verdict within the store would write over the one that was accepted, and no audit could be compared any more.

    Raises:
        UsageError: the folder is named as an accepted audit and lies beside an index.
    """
    place = folder.resolve()
    if _NAME.fullmatch(place.name) and (place.parent / INDEX).is_file():
        raise UsageError(
            f"{folder} is an accepted audit, which never changes; judge the folder that it was accepted from, or a copy"
        )


def add(store: Path, entry: Accepted, files: list[Path]) -> None:
    """Copy the files of an audit into the store and enter it; a reader finds the old store or the new one.

    Raises:
        AuditError: the same audit is there already, or the store cannot be written.
    """
    index = read_index(store)
    for old in index.entries:
        if old.audit_sha256 == entry.audit_sha256:
            raise AuditError(
                f"the audit was accepted already, on {old.date[:10]} as {store / old.name}; nothing is to be done"
            )
    folder, unfinished = store / entry.name, store / f".{entry.name}.unfinished"
    try:
        for leftover in (unfinished, folder):  # of a copy that was cut off: the index does not know it
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, unfinished / file.name)
        unfinished.rename(folder)
        whole = index.model_copy(update={"entries": [*index.entries, entry]})
        write_atomically(store / INDEX, whole.model_dump_json(indent=1).encode())
    except OSError as error:
        raise AuditError(
            f"the store {store} cannot be written ({error.strerror}: {error.filename})"
        ) from error
