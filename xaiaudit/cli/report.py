"""xaiaudit report: the documents of a finished audit."""

from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    default="pdf",
    show_default=True,
    metavar="NAME[,NAME...]",
    help="Of pdf, html, junit (the verdict, for CI) and md (a summary).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for report.pdf, report.html, junit.xml and summary.md; or, for one format, the file to write.  "
    "[default: AUDIT]",
)
@options.debug
def report(audit: Path, formats: str, out: Path | None, debug: bool) -> None:
    """Write the documents of the audit folder AUDIT again. Needs neither model nor images."""
    from xaiaudit.reports.formats import named, write_formats

    for path in write_formats(audit, named(formats), out):
        say(f"Report: {path}")
