"""What a training run tells while it runs: a bar on a terminal, plain lines in CI, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

MASKED = 0.25  # of robust balanced accuracy


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training images. Losses are means an image.

    `best` so far: lowest in validation loss (or highest in validation accuracy, where the recipe keeps by it, and at
    equal values lowest in loss), or in adversarial training highest in `robust`, and at equal values lowest in
    `robust_loss`. The last five are of adversarial training alone, and None in plain epochs.
    """

    number: int  # from 1
    train_loss: float
    validation_loss: float
    validation_auc: float | None  # None with more than two classes
    seconds: float
    best: bool
    validation_accuracy: float | None = None  # at a threshold of one half; None in files of old
    mask_alone: bool = False  # only the mask was trained, and the losses are its own
    step: str | None = (
        None  # of a detector: what learns, see `detection.step_of`, and the losses are the step's own
    )
    epsilon: float | None = None  # radius of the inner attack
    robust: float | None = None  # balanced accuracy on the validation images when clean and after PGD
    robust_once: float | None = None  # the same after one step
    robust_loss: float | None = None  # after PGD, every class weighing the same
    one_class: bool | None = None  # over 95 % of the clean validation decisions are one

    @property
    def masked(self) -> bool:
        """Robust against one step, and far less against several: "catastrophic overfitting" of single steps.

        One step must do better than a model of one class could. Wong, Rice & Kolter 2020.
        """
        if self.robust is None or self.robust_once is None:
            return False
        return self.robust_once > 0.5 and self.robust_once - self.robust > MASKED


class Progress(Protocol):
    """Told of everything worth a line."""

    def say(self, line: str) -> None: ...

    def batch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
        """`done` of the epoch's batches are trained on."""
        ...

    def epoch(self, epoch: Epoch, epochs: int) -> None: ...


class Silent:
    """Tells nothing."""

    def say(self, line: str) -> None: ...

    def batch(self, epoch: int, epochs: int, done: int, batches: int) -> None: ...

    def epoch(self, epoch: Epoch, epochs: int) -> None: ...


@contextmanager
def console(stream: IO[str]) -> Iterator[Progress]:
    """A rich progress bar where the stream is a terminal, one plain line an epoch otherwise."""
    out = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        yield _OnConsole(out, bar)


class _OnConsole:
    def __init__(self, out: Console, bar: Bar) -> None:
        self._out, self._bar = out, bar
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        self._out.print(line)

    def batch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
        if self._task is None:
            self._task = self._bar.add_task("training", total=epochs * batches)
        finished = (epoch - 1) * batches + done
        self._bar.update(
            self._task, completed=finished, total=epochs * batches, description=f"epoch {epoch}/{epochs}"
        )

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        self.say(epoch_line(epoch, epochs))


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """E.g. "epoch 3/8: loss 0.268, validation 0.306 (best so far), AUC 0.93, 14 s"."""
    best = " (best so far)" if epoch.best else ""
    auc = "" if epoch.validation_auc is None else f", AUC {epoch.validation_auc:.2f}"
    line = (
        f"epoch {epoch.number}/{epochs}: loss {epoch.train_loss:.3f}, validation {epoch.validation_loss:.3f}"
    )
    if epoch.mask_alone:
        return f"{line}, of the mask alone, {epoch.seconds:.0f} s"
    if epoch.step in ("proposals", "heads"):
        return f"{line}, of the {epoch.step}, {epoch.seconds:.0f} s"
    if epoch.robust is None or epoch.epsilon is None:
        return f"{line}{best}{auc}, {epoch.seconds:.0f} s"
    doubt = ", one class" if epoch.one_class else ", single steps mislead" if epoch.masked else ""
    return (
        f"{line}{auc}, trained at {255 * epoch.epsilon:.3g} grey levels, "
        f"robust balanced accuracy {epoch.robust:.2f}{doubt}{best}, {epoch.seconds:.0f} s"
    )
