"""The tables of docs/known_truth.md: `python -m benchmarks.known_truth`."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy reads it

from dataclasses import asdict
from itertools import product
from pathlib import Path

import click
import torch

from benchmarks.known_truth.experiment import Settings, experiment
from benchmarks.known_truth.page import tables
from benchmarks.results import Record, append, read
from benchmarks.table import write_into
from xaiaudit.data.phantom_features import CUES, Cue
from xaiaudit.explainers.registry import EXPLAINERS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "known_truth.md"
BESIDE = (
    "grad-cam:layer=features.2",  # cells of half the side
    "hirescam:layer=features.2",
    "hirescam:layer=features.1",
    "layercam:layer=features.1",
    "occlusion:baseline=0.3",  # the mean grey level: black hides a bright cue, and is what a shadow looks like
    "integrated-gradients:baseline=0.3",
)


@click.command(context_settings={"show_default": True})
@click.option("--cue", "cues", type=click.Choice(CUES), multiple=True, default=CUES, help="May be repeated.")
@click.option(
    "--explainer",
    "explainers",
    metavar="NAME[:PARAMETER=VALUE,...]",
    multiple=True,
    default=(*EXPLAINERS, *BESIDE),
    show_default="all, some with other parameters too",
    help="May be repeated.",
)
@click.option("--networks", type=click.IntRange(1), default=3, help="Trained of each cue.")
@click.option("--cases", type=click.IntRange(10), default=100, help="Held-out phantoms of each network.")
@click.option("--train", type=click.IntRange(40), default=1200, help="Phantoms to train each network on.")
@click.option("--size", type=click.IntRange(32), default=96, help="Pixels a side.")
@click.option("--epochs", type=click.IntRange(1), default=40, help="Of each training.")
@click.option(
    "--json", "store", type=click.Path(path_type=Path), help="Results, a line a network; a run goes on."
)
@click.option("--write", is_flag=True, help="Put the tables into docs/known_truth.md.")
def main(
    cues: tuple[Cue, ...],
    explainers: tuple[str, ...],
    networks: int,
    cases: int,
    train: int,
    size: int,
    epochs: int,
    store: Path | None,
    write: bool,
) -> None:
    """Train networks on phantoms of a single cue and score every explainer by whether it points there."""
    torch.set_num_threads(1)
    settings = Settings(train=train, cases=cases, size=size, epochs=epochs)
    known = [] if store is None else read(store)
    records = []
    for cue, network in product(cues, range(networks)):
        record = next((r for r in known if done(r, cue, network, settings, explainers)), None)
        if record is None:
            record = experiment(cue, network, settings, explainers)
            if store is not None:
                append(store, record)
        click.echo(f"{cue}, network {network}: done", err=True)
        records.append(record)
    text = tables(records)
    click.echo(text)
    if write:
        write_into(PAGE, text)


def done(record: Record, cue: Cue, network: int, settings: Settings, explainers: tuple[str, ...]) -> bool:
    """The same experiment was made already, with these explainers at least."""
    same = (record["cue"], record["network"], record["settings"]) == (cue, network, asdict(settings))
    return same and set(explainers) <= set(record["explainers"])


if __name__ == "__main__":
    main()
