"""xaiaudit compare: what changed from one audit to the next."""

from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_record


@click.command()
@click.argument("older", metavar="A", type=click.Path(path_type=Path))
@click.argument("newer", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for comparison.json, images.csv (a row an image), pictures and comparison.pdf.  "
    "[default: compare-<A>-<B> beside B]",
)
@options.as_json
@options.debug
def compare(older: Path, newer: Path, out: Path | None, as_json: bool, debug: bool) -> None:
    """Compare the finished audits A (the older) and B of the same images: accuracy, flips, and whether the maps of the
    clean images moved, each with paired differences. Needs neither models nor images, and changes neither audit.

    Exit code 0 whatever is found; 2 where images, labels, outlines, classes or preprocessing differ, which are named.
    `xaiaudit gate` judges an audit against a baseline.
    """
    from xaiaudit.comparison import compare as run
    from xaiaudit.reports.comparison_summary import lines
    from xaiaudit.reports.comparison_writing import check_folder, default_folder, write

    folder = out or default_folder(older, newer)
    check_folder(folder)
    record, images = run(older, newer)
    written = write(record, images, folder)
    say_record(record, lines, as_json=as_json)
    for path in written:
        say(f"Written: {path}", err=as_json)
