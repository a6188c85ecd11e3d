"""Progress for people: a bar on a terminal, plain lines elsewhere. All of it goes to standard error."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

PLAIN_SECONDS = 15.0  # between two lines where there is no terminal


class Progress:
    """Counts units of work, one phase after the other; says how many a second and how long it will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # seconds
        self._phase = ""
        self._started = self._last = 0.0
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

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def attacked(self, done: float, total: int, attack_id: str) -> None:
        """The `on_attack` of `audit`."""
        self.update(round(done), total, "attacking", "attacked images", attack_id)

    def checked(self, done: int, total: int, words: str) -> None:
        """The `on_check` of `audit`."""
        self.update(done, total, "self-checks", "attacks", words)

    def update(self, done: int, total: int, phase: str, unit: str = "images", detail: str = "") -> None:
        """`done` of `total` units of this phase; a new phase starts the clock anew."""
        now = self._clock()
        if phase != self._phase:
            self._phase, self._started, self._last = phase, now, now
            if self._bar is not None:
                self._task = self._bar.add_task(phase, total=total, rate="")
        rate = done / max(now - self._started, 1e-9)
        words = f"{phase} ({detail})" if detail else phase
        # nothing can be said of the speed before the first unit is done, nor at the word that starts the clock
        speed = _speed(rate, unit) if done and now > self._started else ""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, rate=speed, description=words)
        elif now - self._last >= PLAIN_SECONDS or done == total:
            self._last = now
            left = f", {speed}, {(total - done) / rate:.0f} s left" if speed and done < total else ""
            click.echo(f"{words}: {done} of {total} {unit}{left}", err=True)


def _speed(rate: float, unit: str) -> str:
    return f"{rate:.1f} {unit}/s" if rate >= 0.5 else f"{1 / rate:.0f} s for each"
