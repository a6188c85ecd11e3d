"""Results as Markdown tables, one for each row of work on each machine, and their place in a page."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.agreement import Agreement
from benchmarks.cells import FLOOR, MEMBERS, ROWS, Cell, Target, Work
from benchmarks.pairs import Pair, Ratio, ratio
from benchmarks.results import Record

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
UNITS = {
    "step": "Milliseconds an image and step.",
    "image": "Milliseconds an image.",
    "memory": "MiB.",
}
HEAD = ("model", "batch", "against", "ours", "theirs", "ratio", "target", "pairs", "flipped", "L2 length")
NO_GPU = "On CUDA: not measured; no GPU was at hand."


def tables(records: Sequence[Record]) -> str:
    """Every row of work in the order of `ROWS`; where nothing ran on CUDA, a line says so."""
    parts = []
    for where in _unique(_where(record) for record in records):
        here = [record for record in records if _where(record) == where]
        parts.append(where)
        for name, row in ROWS.items():
            chosen = [record for record in here if record["cell"]["row"] == name]
            if chosen:
                parts += [
                    f"### {name}\n\n{row.words[0].upper()}{row.words[1:]}. {UNITS[row.unit]}",
                    _table(chosen),
                ]
    if not any(record["cell"]["device"].startswith("cuda") for record in records):
        parts.append(NO_GPU)
    return "\n\n".join(parts)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table.

    Raises:
        ValueError: a row has more or fewer cells than `head`.
    """
    lines = [head, ["---"] * len(head), *rows]
    if any(len(line) != len(head) for line in lines):
        raise ValueError(
            f"rows of a table with {len(head)} columns have {sorted({len(row) for row in rows})} cells"
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_into(page: Path, text: str) -> None:
    """Between the two marks of the page, in place of what stood there.

    Raises:
        ValueError: the page has no such marks.
    """
    whole = page.read_text()
    if BEGIN not in whole or END not in whole:
        raise ValueError(f"{page} has no lines {BEGIN} and {END} to write between")
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _where(record: Record) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    peers = ", parameters of the peers frozen" if record["peers_frozen"] else ""
    return f"{record['cell']['device']}, {record['threads']} threads{peers}: {versions}."


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _table(records: Sequence[Record]) -> str:
    return markdown(HEAD, [_line(record, _held(record, records)) for record in records])


def _held(record: Record, records: Sequence[Record]) -> bool:
    """The target counts: always, or where only the most expensive rival of a model and batch is meant, there."""

    def kind(other: Record) -> tuple[str, int]:
        return other["cell"]["model"], other["cell"]["batch"]

    def cost(other: Record) -> float:
        return float(statistics.median(theirs for _, theirs in other["pairs"]))

    if not ROWS[record["cell"]["row"]].dearest_only:
        return True
    return cost(record) == max(cost(other) for other in records if kind(other) == kind(record))


def _line(record: Record, held: bool) -> tuple[str, ...]:
    cell = Cell(**record["cell"] | {"work": Work(**record["cell"]["work"])})
    pairs = [Pair(*pair) for pair in record["pairs"]]
    target = cell.target()
    upside_down = (
        target.at_most if target else cell.rival in (FLOOR, *MEMBERS) or ROWS[cell.row].unit == "memory"
    )
    found = ratio(pairs, ours_over_theirs=upside_down)
    ours, theirs = (_figure(cell, statistics.median(side)) for side in zip(*pairs, strict=True))
    return (
        cell.model if cell.work.steps is None else f"{cell.model}, {cell.work.steps} steps",
        str(cell.batch),
        cell.rival,
        ours,
        theirs,
        _ratio(found, len(pairs), upside_down),
        _target(target, found) if held else "",
        str(len(pairs)),
        *_agreement(record["agreement"], ROWS[cell.row].same_norms),
    )


def _figure(cell: Cell, measured: float) -> str:
    unit = ROWS[cell.row].unit
    if unit == "memory":
        return f"{measured / 2**20:.0f}"
    steps = cell.work.steps if unit == "step" else None
    each = 1000 * measured / cell.batch / (steps or 1)
    return f"{each:.3g}" if each < 1000 else f"{each:.0f}"


def _ratio(found: Ratio, pairs: int, upside_down: bool) -> str:
    spread = f" ({found.low:.2f} to {found.high:.2f})" if pairs > 1 else ""
    return f"{'ours/theirs' if upside_down else 'theirs/ours'} {found.median:.2f}{spread}"


def _target(target: Target | None, found: Ratio) -> str:
    if target is None:
        return ""
    met = found.median <= target.value if target.at_most else found.median >= target.value
    return f"{'≤' if target.at_most else '≥'} {target.value:g}: {'met' if met else 'missed'}"


def _agreement(known: dict[str, Any] | None, norms: bool) -> tuple[str, str]:
    """Flipped by ours, by theirs, of all; lengths and how far apart. The bare loop and memory have none."""
    if known is None:
        return "", ""
    same = Agreement(**known)
    verdict = "same" if same.holds(norms=norms) else "DIFFERENT"
    counts = f"{same.ours}, {same.theirs} of {same.images}: {verdict}"
    if same.norm_ours is None or same.typical is None or same.largest is None:
        return counts, "no image fared alike"
    apart = f"apart {100 * same.typical:.2g} %, at most {100 * same.largest:.2g} %"
    return counts, f"{same.norm_ours:.4g}, {same.norm_theirs:.4g}; {apart}"
