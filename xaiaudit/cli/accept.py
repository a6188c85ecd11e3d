"""xaiaudit accept: the baseline of the audits to come."""

from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder of accepted audits; the newest of them is the baseline.  [default: the one that the policy of the "
    "audit's verdict names, else baselines]",
)
@click.option("--note", default="", help="What to remember of it.")
@click.option("--by", metavar="NAME", help="Who accepts it.  [default: the user of this machine]")
@click.option(
    "--despite",
    default="",
    metavar="REASON",
    help="Accept it although it has not passed, or was not compared with the newest accepted one; the reason is kept.",
)
@options.debug
def accept(audit: Path, store: Path | None, note: str, by: str | None, despite: str, debug: bool) -> None:
    """Copy the audit in folder AUDIT, with its verdict and without its pictures, into the store of accepted audits."""
    from xaiaudit.gate.accepting import accept as accepted
    from xaiaudit.gate.accepting import store_of

    store = store_of(audit) if store is None else store
    entry = accepted(audit, store, by=by or _user(), note=note, despite=despite)
    say(f"Accepted as {store / entry.name}; the next audit is compared with it: --baseline {store}")


def _user() -> str:
    from getpass import getuser

    from xaiaudit.errors import UsageError

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user often has no name
        raise UsageError(
            "this machine knows no name for its user; say who accepts the audit with --by"
        ) from None
