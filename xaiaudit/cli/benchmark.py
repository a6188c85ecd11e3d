"""xaiaudit benchmark: models against one another, on the same folds."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say, say_record

if TYPE_CHECKING:
    from xaiaudit.benchmark_record import RunRecord
    from xaiaudit.training import Epoch


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the runs, tables and report.  [default: the name of FILE without .toml, beside it]",
)
@click.option(
    "--shard",
    type=options.Part(),
    help="Do only this part of the runs, e.g. 3/16; once all parts are done, a call without it writes the tables.",
)
@options.device
@options.threads
@click.option(
    "--report/--no-report", "with_report", default=True, show_default=True, help="Write benchmark.pdf."
)
@options.as_json
@options.debug
def benchmark(file: Path, **given: Any) -> None:
    """Train, test and audit every configuration of FILE, a TOML, on the same folds, and compare them.

    Models x datasets x folds x repeats x whatever its grid varies. A run that is done is kept and one that was killed
    goes on when the command is repeated. A run whose loss is no longer a number is stopped, named and in no mean.
    """
    from xaiaudit.benchmarking import benchmark as run
    from xaiaudit.benchmarking import read_plan
    from xaiaudit.reports.benchmark_document import PDF, write_pdf
    from xaiaudit.reports.benchmark_summary import lines

    plan = read_plan(file)
    out = given["out"] or file.with_suffix("")
    if out == file:
        out = file.with_name(f"{file.name}-runs")
    options.set_threads(given["threads"])
    with _Teller() as teller:
        record = run(
            plan,
            out,
            shard=given["shard"],
            device=given["device"],
            command=["xaiaudit", *sys.argv[1:]],
            on_run=teller.run,
            progress=teller,
        )
    if record is None:
        part, parts = given["shard"]
        say(f"Part {part} of {parts} is done; when all are: xaiaudit benchmark {file} --out {out}")
        return
    say_record(record, lines, as_json=given["as_json"])
    if given["with_report"]:
        write_pdf(record, out / PDF)
    for name in (
        "benchmark.json",
        "runs.parquet",
        "predictions.parquet",
        *([PDF] if given["with_report"] else []),
    ):
        say(f"Written: {out / name}", err=given["as_json"])


class _Teller:
    """A line when a run begins and one when it ends; a bar, or now and then a line, while it trains."""

    def __init__(self) -> None:
        self._name = ""
        self._bar = ExitStack()
        self._progress: Progress | None = None

    def __enter__(self) -> "_Teller":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def run(self, number: int, total: int, name: str, record: "RunRecord | None") -> None:
        from xaiaudit.reports.benchmark_summary import run_line

        self._bar.close()
        where = f"run {number} of {total}, {name}"
        if record is None:
            say(f"{where}: begun", err=True)
            self._name = name
            self._progress = self._bar.enter_context(Progress())
            return
        kept = "kept: " if self._name != name else ""
        say(f"{where}: {kept}{run_line(record)}", err=True)

    def say(self, line: str) -> None: ...

    def batch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
        if self._progress is not None and epoch * done < epochs * batches:  # the end has a line of its own
            trained = (epoch - 1) * batches + done
            self._progress.update(
                trained, epochs * batches, "training", "batches", f"epoch {epoch} of {epochs}"
            )

    def epoch(self, epoch: "Epoch", epochs: int) -> None: ...
