"""Our attacks against ART, Foolbox, torchattacks and the bare loop: `python -m benchmarks.attacks --help`.

Every finished comparison is appended to --json at once, and one that is there already is not made again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks import memory, results
from benchmarks.cells import BATCH_ON_CUDA, CHECKPOINT, ROWS, TINY, Cell
from benchmarks.contenders import installed
from benchmarks.machine import machine
from benchmarks.measuring import Effort, measure
from benchmarks.subjects import Source
from benchmarks.table import tables, write_into

FILE = click.Path(dir_okay=False, path_type=Path)
RIVALS = list(dict.fromkeys(rival for row in ROWS.values() for rival in row.rivals))


@click.command(context_settings={"show_default": True})
@click.option(
    "--row", "rows", type=click.Choice(list(ROWS)), multiple=True, help="Kind of work; repeats. [all]"
)
@click.option("--model", "models", multiple=True, help="Architecture, or 'checkpoint'; repeats. [the row's]")
@click.option("--batch", "batches", type=click.IntRange(1), multiple=True, help="Images. [the row's]")
@click.option("--rival", "rivals", type=click.Choice(RIVALS), multiple=True, help="Repeats. [the row's]")
@click.option("--device", "devices", multiple=True, help="Repeats. [cpu, and cuda where there is one]")
@click.option("--steps", type=click.IntRange(1), help="Steps at the same step size. [the row's]")
@click.option("--size", type=click.IntRange(8), default=224, help="Pixels of the square image.")
@click.option("--pairs", type=click.IntRange(1), default=3, help="Measurements of ours and theirs.")
@click.option("--seconds", type=float, default=480.0, help="No pair is begun that would end later.")
@click.option("--threads", type=click.IntRange(1), default=torch.get_num_threads(), help="Of torch.")
@click.option("--checkpoint", type=FILE, help="Trained model, for the rows that need one.")
@click.option("--data", type=click.Path(path_type=Path), help="Its images. [where it was trained]")
@click.option("--freeze-peers", "freeze", is_flag=True, help="Give the others frozen parameters, too.")
@click.option("--json", "store", type=FILE, help="Append here as it goes; go on from what is there.")
@click.option("--markdown", "page", type=FILE, help="Write the tables between the marks of this page.")
@click.option("--quick", is_flag=True, help="A tiny network, two steps, one pair: only to see that it runs.")
def main(**given: Any) -> None:
    """Time and memory of our attacks beside other toolkits', with the agreement of their results."""
    if given["quick"]:
        given |= {"models": (TINY,), "batches": (2,), "size": 32, "steps": 2, "pairs": 1, "threads": 1}
    torch.set_num_threads(given["threads"])
    source = Source(checkpoint=given["checkpoint"], data=given["data"], freeze=given["freeze"])
    effort = Effort(pairs=given["pairs"], seconds=given["seconds"], threads=given["threads"])
    records = results.read(given["store"]) if given["store"] else []
    for cell in _cells(given):
        name = f"{cell.row}, {cell.model}, batch {cell.batch}, {cell.device}, against {cell.rival}"
        if results.done(records, cell, effort.threads, source.freeze):
            click.echo(f"{name}: measured already")
            continue
        if reason := _impossible(cell, source):
            click.echo(f"{name}: left out, {reason}")
            continue
        record = measure(cell, source, effort) | {"machine": machine(cell.device)}
        records.append(record)
        if given["store"]:
            results.append(given["store"], record)
        click.echo(f"{name}: done")
    text = tables(records)
    click.echo(f"\n{text}")
    if given["page"]:
        write_into(given["page"], text)


def _cells(given: dict[str, Any]) -> Iterator[Cell]:
    """In the order of the rows; every comparison of one row, model and batch stands together."""
    devices = given["devices"] or (("cpu", "cuda") if torch.cuda.is_available() else ("cpu",))
    for name in given["rows"] or ROWS:
        row = ROWS[name]
        work = row.work if given["steps"] is None else row.work.shortened(given["steps"])
        for device in devices:
            own = (BATCH_ON_CUDA,) if device.startswith("cuda") else row.batches
            for model in given["models"] or row.models:
                for batch in given["batches"] or own:
                    for rival in row.rivals:
                        if not given["rivals"] or rival in given["rivals"]:
                            yield Cell(
                                row=name,
                                model=model,
                                batch=batch,
                                device=device,
                                rival=rival,
                                work=work,
                                size=given["size"],
                            )


def _impossible(cell: Cell, source: Source) -> str:
    """Why this comparison cannot be made here, or nothing."""
    if cell.model == CHECKPOINT and source.checkpoint is None:
        return "it needs a trained model: name one with --checkpoint"
    if not installed(cell.rival):
        return f"{cell.rival} is not installed: pip install '.[bench]'"
    if ROWS[cell.row].unit == "memory" and not memory.measurable(cell.device):
        return "peak memory is read as Linux keeps it"
    return ""


if __name__ == "__main__":
    main()
