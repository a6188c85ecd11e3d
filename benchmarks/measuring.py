"""One cell from beginning to end: time in this process, or memory in processes of their own."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks import memory
from benchmarks.agreement import agreement
from benchmarks.cells import FLOOR, OURS, ROWS, Cell
from benchmarks.contenders import warm
from benchmarks.pairs import Pair, Stopwatch, interleaved
from benchmarks.subjects import Source, subject


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long a cell may take."""

    pairs: int
    seconds: float  # pairs end when the next one would go beyond; one is always taken
    threads: int


def measure(cell: Cell, source: Source, effort: Effort) -> dict[str, Any]:
    """What is written of a cell: the pairs as they were measured, and the agreement of the results."""
    pairs, same = (_memory if ROWS[cell.row].unit == "memory" else _time)(cell, source, effort)
    return {
        "cell": asdict(cell),
        "threads": effort.threads,
        "peers_frozen": source.freeze,
        "pairs": pairs,
        "agreement": same,
    }


def _time(cell: Cell, source: Source, effort: Effort) -> tuple[list[Pair], dict[str, Any] | None]:
    where = subject(cell.model, cell.batch, cell.device, cell.size, source)
    precision = ROWS[cell.row].precision
    ours, theirs = (
        Stopwatch(partial(warm, name, where, cell.work, precision), cell.device)
        for name in (OURS, cell.rival)
    )
    pairs = interleaved(ours, theirs, pairs=effort.pairs, seconds=effort.seconds)
    if cell.rival == FLOOR or ours.images is None or theirs.images is None:
        return pairs, None
    return pairs, asdict(agreement(where, ours.images, theirs.images))


def _memory(cell: Cell, source: Source, effort: Effort) -> tuple[list[Pair], None]:
    ours, theirs = (partial(memory.peak, cell, source, effort.threads, name) for name in (OURS, cell.rival))
    return interleaved(ours, theirs, pairs=effort.pairs, seconds=effort.seconds), None
