"""xaiaudit convert: foreign weights to a full checkpoint."""

from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@options.foreign
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Checkpoint to write: .pt or .safetensors."
)
@click.option(
    "--trust-pickle", is_flag=True, help="Load weights that need full pickle, which can run any code."
)
@options.overwrite
@options.debug
def convert(weights: Path, out: Path, trust_pickle: bool, overwrite: bool, debug: bool, **given: Any) -> None:
    """Write a full checkpoint from foreign WEIGHTS and what they leave unsaid."""
    options.check_free(out, overwrite=overwrite)
    from xaiaudit.models import convert as write
    from xaiaudit.models.foreign import ForeignOptions

    info = write(weights, options.foreign_options(given) or ForeignOptions(), out, trust_pickle=trust_pickle)
    for note in info.notes:
        say(f"Note: {note}")
    say(f"Checkpoint: {out}")
