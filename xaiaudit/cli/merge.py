"""xaiaudit merge: from shards to an audit."""

from pathlib import Path

import click

from xaiaudit.cli import options


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Audit folder.  [default: the first DIR]")
@click.option(
    "--report/--no-report",
    "with_report",
    default=True,
    show_default=True,
    help="Write report.pdf and report.html.",
)
@options.as_json
@options.debug
def merge(folders: tuple[Path, ...], out: Path | None, with_report: bool, as_json: bool, debug: bool) -> None:
    """Join the shards in DIR..., computed by `xaiaudit attack --shard`, into one audit."""
    from xaiaudit.auditing import merge as join
    from xaiaudit.cli.attack import finish

    finish(join(folders, out), out or folders[0], with_report=with_report, as_json=as_json)
