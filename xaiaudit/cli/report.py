"""xaiaudit report: the documents of a finished audit."""

from pathlib import Path

import click

from xaiaudit.cli import options


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="PDF to write.  [default: report.pdf in AUDIT]")
@options.debug
def report(audit: Path, out: Path | None, debug: bool) -> None:
    """Write the PDF report of the audit folder AUDIT again. Needs neither model nor images."""
    from xaiaudit.reports import write_report

    click.echo(f"Report: {write_report(audit, out=out)}")
