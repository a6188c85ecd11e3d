"""xaiaudit card: the robustness section of a model card."""

from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Card to write.  [default: card.md in AUDIT]")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="README.md",
    help="A model card that is there: the section goes between its marks or to its end, the results into its "
    "metadata.",
)
@options.debug
def card(audit: Path, out: Path | None, into: Path | None, debug: bool) -> None:
    """Write what the audit in folder AUDIT found as a section of a Hugging Face model card, with its metadata.

    Run again, the section is written anew in its place; nothing else of the card changes.
    """
    from xaiaudit.reports import write_card

    say(f"Card: {write_card(audit, out=out, into=into)}")
