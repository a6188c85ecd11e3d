"""xaiaudit evaluate: clean metrics of a checkpoint."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.progress import Progress


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.data(
    required=False,
    help="Folder of images; may be repeated to join several.  [default: the checkpoint's recorded test split]",
)
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train", "all"]),
    help="Which of the splits that the checkpoint recorded.  [default: test; with --data all]",
)
@options.batch_size(32)
@options.limit
@options.device
@options.threads
@options.strict
@options.foreign
@click.option(
    "--trust-pickle", is_flag=True, help="Load a checkpoint that needs full pickle, which can run any code."
)
@options.as_json
@options.debug
def evaluate(model: Path, **given: Any) -> None:
    """Measure MODEL on clean images: AUC, sensitivity, specificity and more, with case-level intervals."""
    from xaiaudit.auditing.selection import choose_data
    from xaiaudit.data import read_samples
    from xaiaudit.models import load
    from xaiaudit.reports.clean_summary import clean_lines
    from xaiaudit.training import evaluate as measure
    from xaiaudit.training import swapped_classes

    foreign = options.foreign_options(given)
    device = options.set_device(given["device"], given["threads"])
    audited = load(model, device=device, trust_pickle=given["trust_pickle"], foreign=foreign)
    dataset = choose_data(
        audited, given["data"], kind=given["dataset"], normals=given["normals"], split=given["split"]
    )
    if given["limit"] is not None:
        dataset = dataset.subset(range(min(given["limit"], len(dataset))), f"the first {given['limit']}")
    samples, left_out = read_samples(dataset, strict=given["strict"])
    with Progress() as progress:
        predictions = measure(
            audited,
            samples,
            batch_size=given["batch_size"],
            progress=partial(progress.update, phase="evaluating"),
        )
    record = predictions.record()
    if given["as_json"]:
        click.echo(record.model_dump_json(indent=1))
        return
    click.echo(f"Data: {dataset.describe()}")
    for line in clean_lines(record):
        click.echo(line)
    for file, reason in left_out:
        click.echo(f"Left out: {file}: {reason}")
    if warning := swapped_classes(record, audited.classes, audited.positive):
        click.echo(f"Warning: {warning}")
