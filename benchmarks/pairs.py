"""Interleaved pairs of measurements and what they say: the median of the ratios within pairs."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.contenders import Run


class Pair(NamedTuple):
    """Seconds, or bytes."""

    ours: float
    theirs: float


class Ratio(NamedTuple):
    """Median over the pairs, with the least and the greatest."""

    median: float
    low: float
    high: float


class Stopwatch:
    """Called, it makes ready, runs once and returns the seconds of the run; `images` are the last run's."""

    def __init__(self, ready: Callable[[], AbstractContextManager[Run]], device: str) -> None:
        self._ready, self._device = ready, device
        self.images: Tensor | None = None

    def __call__(self) -> float:
        with self._ready() as run:
            self._wait()
            begin = time.perf_counter()
            self.images = run()
            self._wait()
            return time.perf_counter() - begin

    def _wait(self) -> None:
        if self._device.startswith("cuda"):
            torch.cuda.synchronize(self._device)


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], *, pairs: int, seconds: float
) -> list[Pair]:
    """Ours, theirs, ours, theirs ...: as many pairs as fit into `seconds`, at least one, at most `pairs`."""
    begin = time.perf_counter()
    taken: list[Pair] = []
    while len(taken) < pairs:
        taken.append(Pair(ours(), theirs()))
        spent = time.perf_counter() - begin
        if spent * (len(taken) + 1) / len(taken) > seconds:
            break
    return taken


def ratio(pairs: Sequence[Pair], *, ours_over_theirs: bool) -> Ratio:
    values = [p.ours / p.theirs if ours_over_theirs else p.theirs / p.ours for p in pairs]
    return Ratio(statistics.median(values), min(values), max(values))
