"""xaiaudit data: check a folder of images, or write phantoms."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_json

CUES = ["margin", "posterior", "texture", "echo", "shape"]


@click.group()
def data() -> None:
    """Check images, or write phantoms."""


@data.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.dataset_kind
@options.as_json
@options.debug
def check(folders: tuple[Path, ...], dataset: str | None, as_json: bool, debug: bool) -> None:
    """Look for defects in DIR: unreadable files, masks that do not fit, duplicates, cases in two splits.

    Exit code 0 where there are none, 1 where there are.
    """
    from xaiaudit.data import open_dataset
    from xaiaudit.data.check import check as look

    opened = open_dataset(folders, kind=dataset, normals="class")
    if not as_json:
        say(f"Data: {opened.describe()}")
    findings = look(opened)
    if as_json:
        say_json(json.dumps(findings.as_dict(), indent=1))
    else:
        for line in findings.lines():
            say(line)
    sys.exit(0 if findings.ok else 1)


@data.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-n", "--number", type=click.IntRange(min=1), default=200, show_default=True, help="How many images."
)
@click.option("--size", type=click.IntRange(min=32), default=224, show_default=True, help="Side, pixels.")
@click.option(
    "--cue",
    type=click.Choice(CUES),
    help="The only feature that tells the classes apart.  [default: all of them]",
)
@options.seed
@options.debug
def phantoms(folder: Path, number: int, size: int, cue: Any, seed: int, debug: bool) -> None:
    """Write simulated breast-ultrasound images with masks, spacing and a manifest into DIR."""
    from xaiaudit.data import write_phantoms

    manifest = write_phantoms(folder, number, seed=seed, size=size, cue=cue)
    say(f"{number} phantoms: {manifest}")
