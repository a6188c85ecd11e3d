"""The picture of a training run: its losses by epoch."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xaiaudit.training.progress import Epoch


def draw_losses(history: Sequence[Epoch], path: Path, title: str) -> None:
    """Write a PNG of the training and validation loss; the epoch kept, and those of the mask alone, are marked."""
    figure = Figure(figsize=(6, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    numbers = [epoch.number for epoch in history]
    # told apart by dash and marker as well as by colour
    axes.plot(numbers, [epoch.train_loss for epoch in history], "o-", color="#1f5a94", label="training")
    axes.plot(
        numbers, [epoch.validation_loss for epoch in history], "s--", color="#c2571a", label="validation"
    )
    if alone := sum(epoch.mask_alone for epoch in history):
        axes.axvspan(0.5, alone + 0.5, color="0.92", label="mask alone")
    kept = [epoch for epoch in history if epoch.best][-1]
    axes.axvline(kept.number, color="0.5", linestyle=":", label=f"kept: epoch {kept.number}")
    highest = max(max(epoch.train_loss, epoch.validation_loss) for epoch in history)
    axes.set(xlabel="epoch", ylabel="loss", title=title, ylim=(0, 1.08 * highest or 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)
