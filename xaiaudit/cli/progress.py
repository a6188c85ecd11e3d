"""Progress for people: a bar on a terminal, plain lines elsewhere. All of it goes to standard error."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from xaiaudit.cli.saying import say

PLAIN_SECONDS = 15.0  # between two lines where there is no terminal


class Progress:
    """Counts units of work, one phase after the other; says how many a second and how long it will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # seconds
        self._now = self._last = 0.0  # of the last word, and of the last line
        self._spent: dict[str, float] = {}  # seconds, by phase
        self._tasks: dict[str, Any] = {}
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

    def explained(self, done: int, total: int, phase: str, explainer: str) -> None:
        """The `on_map` of `audit`."""
        self.update(done, total, phase, "forward passes", explainer)

    def update(self, done: int, total: int, phase: str, unit: str = "images", detail: str = "") -> None:
        """`done` of `total` units of this phase; a new phase starts a clock of its own, and may come back."""
        now = self._clock()
        if phase in self._spent:
            self._spent[phase] += (
                now - self._now
            )  # a word comes when something is done, so the time was for that
        else:
            self._spent[phase], self._last = 0.0, now
            if self._bar is not None:
                self._tasks[phase] = self._bar.add_task(phase, total=total, rate="")
        self._now, spent = now, self._spent[phase]
        rate = done / max(spent, 1e-9)
        words = f"{phase} ({detail})" if detail else phase
        # nothing can be said of the speed before the first unit is done, nor at the word that starts the clock
        speed = _speed(rate, unit) if done and spent else ""
        if self._bar is not None:
            self._bar.update(self._tasks[phase], completed=done, total=total, rate=speed, description=words)
        elif now - self._last >= PLAIN_SECONDS or done == total:
            self._last = now
            left = f", {speed}, {(total - done) / rate:.0f} s left" if speed and done < total else ""
            say(f"{words}: {done} of {total} {unit}{left}", err=True)


def _speed(rate: float, unit: str) -> str:
    return f"{rate:.1f} {unit}/s" if rate >= 0.5 else f"{1 / rate:.0f} s for each"
