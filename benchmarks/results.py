"""The file of results: one JSON object a line, appended cell by cell, so that a run can be killed and go on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cells import Cell

Record = Mapping[str, Any]


def read(path: Path) -> list[Record]:
    """In the order of measurement; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(path: Path, record: Record) -> None:
    whole = "".join(json.dumps(known) + "\n" for known in read(path))
    fresh = path.with_suffix(".part")
    fresh.write_text(whole + json.dumps(record) + "\n")
    fresh.replace(path)  # in one step: a kill loses nothing


def done(records: list[Record], cell: Cell, threads: int, frozen: bool) -> bool:
    """The same cell was measured already, with the same work, threads and kind of peers."""
    wanted = (asdict(cell), threads, frozen)
    return any((r["cell"], r["threads"], r["peers_frozen"]) == wanted for r in records)
