"""xaiaudit explain: maps of single images, as pictures and numbers."""

import json
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.opening import open_model, tell_costs
from xaiaudit.cli.saying import say, say_json


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.explainers
@click.option("--target", metavar="CLASS", help="Class to explain.  [default: the model's decision]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("explanations"),
    show_default=True,
    help="Folder for the pictures.",
)
@options.device
@options.threads
@options.foreign
@options.trust_pickle()
@options.as_json
@options.debug
def explain(model: Path, images: tuple[Path, ...], **given: Any) -> None:
    """Show where MODEL looks in each IMAGE: one picture an explainer, and the place of its extremes."""
    from xaiaudit.auditing.explanation import explain as run
    from xaiaudit.explainers.spec import parse
    from xaiaudit.reports.explanation import draw

    _no_folders(images)
    specs = [parse(text) for text in given["explainers"]]
    audited = open_model(model, given)
    tell_costs(audited, specs or None)
    found = []
    images = tuple(dict.fromkeys(images))
    for path, stem in zip(images, _stems(images), strict=True):
        for number, explanation in enumerate(run(audited, path, specs, target=given["target"])):
            for warning in explanation.warnings if number == 0 else ():
                say(f"Warning: {path} {warning}", err=True)
            picture = draw(explanation, given["out"], stem)
            found.append(explanation.as_dict() | {"picture": str(picture)})
            if not given["as_json"]:
                say(f"{explanation.words()}; {picture}")
    if given["as_json"]:
        say_json(json.dumps(found, indent=1))


def _no_folders(images: tuple[Path, ...]) -> None:
    from xaiaudit.errors import UsageError

    for path in images:
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder, and explain takes images: name them, e.g. {path}/*.png; where the maps of a "
                f"whole dataset point is told by xaiaudit pointing MODEL --data {path}"
            )


def _stems(images: tuple[Path, ...]) -> list[str]:
    """Names for the pictures: images of equal names in several folders are told apart by a number."""
    stems: list[str] = []
    for image in images:
        stem, number = image.stem, 2
        while stem in stems:
            stem, number = f"{image.stem}-{number}", number + 1
        stems.append(stem)
    return stems
