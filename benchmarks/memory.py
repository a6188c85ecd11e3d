"""Peak memory of one contender above that of the loaded model, in a process of its own.

On the CPU: resident memory, as Linux keeps it; the mark is set back once model and images are there, and the
contender has run once on a tiny network, so that packages are not counted. A copy of the weights that a
contender makes counts as its own. On CUDA: what torch allocated.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import contenders
from benchmarks.cells import ROWS, TINY, Cell, Work
from benchmarks.subjects import Source, Subject, subject

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Freed blocks go back to the system at once, so that the mark is not hidden by what was free already.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def measurable(device: str) -> bool:
    return device.startswith("cuda") or CLEAR.exists()


def peak(cell: Cell, source: Source, threads: int, contender: str) -> float:
    """Bytes.

    Raises:
        RuntimeError: the process failed; with what it said.
    """
    order = {
        "cell": asdict(cell),
        "checkpoint": source.checkpoint and str(source.checkpoint.resolve()),
        "data": source.data and str(source.data.resolve()),
        "freeze": source.freeze,
        "threads": threads,
        "contender": contender,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", json.dumps(order)],
        cwd=Path(__file__).parent.parent,
        env=os.environ | ALLOCATOR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {contender} failed: {done.stderr.strip()}")
    return float(done.stdout.splitlines()[-1])


def _measure(order: dict[str, Any]) -> int:
    cell = Cell(**order["cell"] | {"work": Work(**order["cell"]["work"])})
    torch.set_num_threads(order["threads"])
    paths = {name: Path(order[name]) if order[name] else None for name in ("checkpoint", "data")}
    source = Source(freeze=order["freeze"], **paths)
    where = subject(cell.model, cell.batch, cell.device, cell.size, source)
    # last of all, because what ours prepares may change how the process keeps what it frees
    _run(order["contender"], cell, subject(TINY, 2, cell.device, 32, source))
    before = _reset(cell.device)
    _run(order["contender"], cell, where)
    return _highest(cell.device) - before


def _run(name: str, cell: Cell, where: Subject) -> None:
    with contenders.contender(name, where, cell.work, ROWS[cell.row].precision) as run:
        run()


def _reset(device: str) -> int:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    CLEAR.write_text("5")  # proc(5): the peak becomes what is resident now
    return _resident("VmRSS")


def _highest(device: str) -> int:
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else _resident("VmHWM")


def _resident(name: str) -> int:
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:")]
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    print(_measure(json.loads(sys.argv[1])))
