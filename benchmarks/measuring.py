"""One cell from beginning to end: time in this process, or memory in processes of their own."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import contenders, memory
from benchmarks.agreement import agreement
from benchmarks.cells import FGSM, FLOOR, ROWS, Cell
from benchmarks.pairs import Pair, Stopwatch, interleaved
from benchmarks.subjects import Source, Subject, subject
from xaiaudit.attacks.registry import ATTACKS


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
    _warm_up(cell, where)
    precision = ROWS[cell.row].precision
    with ExitStack() as stack:
        run = stack.enter_context(contenders.ours(where, cell.work, precision))
        other = stack.enter_context(contenders.rival(cell.rival, where, cell.work, precision))
        ours, theirs = Stopwatch(run, cell.device), Stopwatch(other, cell.device)
        count = min(effort.pairs, ROWS[cell.row].pairs.get(cell.rival, effort.pairs))
        pairs = interleaved(ours, theirs, pairs=count, seconds=effort.seconds)
    if cell.rival == FLOOR or ours.images is None or theirs.images is None:
        return pairs, None
    return pairs, asdict(agreement(where, ours.images, theirs.images))


def _warm_up(cell: Cell, where: Subject) -> None:
    """One signed step of both, so that the first pair does not pay for what happens once."""
    precision, step = ROWS[cell.row].precision, FGSM.shortened(1)
    with contenders.ours(where, step, precision) as run:
        run()
    if cell.rival not in ATTACKS:
        with contenders.rival(cell.rival, where, step, precision) as run:
            run()


def _memory(cell: Cell, source: Source, effort: Effort) -> tuple[list[Pair], None]:
    def ours() -> float:
        return memory.peak(cell, source, effort.threads, memory.OURS)

    def theirs() -> float:
        return memory.peak(cell, source, effort.threads, cell.rival)

    return interleaved(ours, theirs, pairs=effort.pairs, seconds=effort.seconds), None
