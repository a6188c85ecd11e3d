"""Progress for people: a bar on a terminal, plain lines elsewhere. All of it goes to standard error."""

import sys
import time
from types import TracebackType
from typing import Self

import click

PLAIN_SECONDS = 15.0  # between two lines where there is no terminal


class Progress:
    """Counts units of work; says how many a second and how long it will take."""

    def __init__(self, words: str, unit: str = "images") -> None:
        self._words, self._unit = words, unit
        self._started = self._last = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(words, total=None, rate="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int, words: str | None = None) -> None:
        """`done` of `total` units."""
        now = time.monotonic()
        rate = done / max(now - self._started, 1e-9)
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=done,
                total=total,
                rate=f"{rate:.1f} {self._unit}/s",
                description=words or self._words,
            )
        elif now - self._last >= PLAIN_SECONDS or done == total:
            self._last = now
            left = (total - done) / rate if rate else float("inf")
            click.echo(
                f"{words or self._words}: {done} of {total} {self._unit}, {rate:.1f} a second, {left:.0f} s left",
                err=True,
            )
