"""xaiaudit demo: everything once, on simulated images, without a download."""

import sys
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("xaiaudit-demo"),
    show_default=True,
    help="Folder to write.",
)
@click.option(
    "--images", type=click.IntRange(min=40), default=400, show_default=True, help="How many to simulate."
)
@click.option(
    "--size", type=click.IntRange(min=64), default=112, show_default=True, help="Their side, pixels."
)
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True, help="Of the training.")
@options.seed
@options.threads
@options.debug
def demo(out: Path, images: int, size: int, epochs: int, seed: int, threads: int | None, debug: bool) -> None:
    """Simulate images, train a small model, attack it and write a PDF report. No download."""
    from xaiaudit.auditing import audit
    from xaiaudit.auditing.selection import choose_data
    from xaiaudit.cli.attack import finish
    from xaiaudit.data import open_dataset, write_phantoms
    from xaiaudit.models import load
    from xaiaudit.training import Recipe, console, train
    from xaiaudit.types import Preprocessing

    options.set_threads(threads)
    audit_folder = _free(out)
    say(f"1 of 3: simulating {images} breast-ultrasound images in {out / 'phantoms'}", err=True)
    manifest = write_phantoms(out / "phantoms", images, seed=seed, size=size)
    say("2 of 3: training a small network on them", err=True)
    with console(sys.stderr) as training:
        train(
            "small-cnn",
            open_dataset(manifest),
            out / "model.pt",
            preprocessing=Preprocessing(size=size, channels=1, mean=(0.3,), std=(0.2,)),
            recipe=Recipe(epochs=epochs, batch_size=8, learning_rate=1e-3),
            seed=seed,
            device="cpu",
            progress=training,
        )
    say("3 of 3: attacking it", err=True)
    model = load(out / "model.pt")
    methods = ["fgsm", "pgd:epsilon=2/255,steps=20", "deepfool"]
    with Progress() as progress:
        record: Any = audit(
            model,
            choose_data(model),
            methods,
            out=audit_folder,
            seed=seed,
            command=["xaiaudit", *sys.argv[1:]],
            on_attack=progress.attacked,
            on_check=progress.checked,
        )
    finish(record, audit_folder, with_report=True, as_json=False)
    say(f"Next: xaiaudit attack {out / 'model.pt'} --method pgd --method deepfool")


def _free(out: Path) -> Path:
    """The audit's folder, checked before any work."""
    from xaiaudit.errors import UsageError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already and not an empty folder; name another with --out")
    return out / "audit"
