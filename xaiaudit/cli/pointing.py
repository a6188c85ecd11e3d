"""xaiaudit pointing: where the maps of clean images point."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.opening import open_data, open_model, tell_costs
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say_record


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.test_data
@options.split
@options.explainers
@options.ring
@options.tolerance
@options.batch_size(32)
@options.limit
@options.seed
@options.device
@options.threads
@options.strict
@options.foreign
@options.trust_pickle()
@options.as_json
@options.debug
def pointing(model: Path, **given: Any) -> None:
    """Say how often maps of MODEL point at the lesion, its ring or the region below it; no attack is made.

    The table of Byra et al. 2022: the share of rightly decided images whose map has its maximum, its minimum or
    either in each region, with case-level intervals and beside chance; also by class, and of wrong decisions.
    """
    from xaiaudit.auditing.pointing_table import pointing_report
    from xaiaudit.explainers.spec import parse
    from xaiaudit.reports.pointing_summary import pointing_lines

    specs = [parse(text) for text in given["explainers"]] or None
    audited = open_model(model, given)
    dataset = open_data(audited, given)
    tell_costs(audited, specs)
    with Progress() as progress:
        report = pointing_report(
            audited,
            dataset.drawn(given["limit"], given["seed"]),
            specs,
            ring_mm=given["ring_mm"],
            tolerance_mm=given["tolerance_mm"],
            batch_size=given["batch_size"],
            seed=given["seed"],
            strict=given["strict"],
            on_look=partial(progress.update, phase="reading"),
            on_map=partial(progress.update, phase="explaining"),
        )
    say_record(report, pointing_lines, as_json=given["as_json"])
