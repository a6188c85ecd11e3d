"""xaiaudit inspect: what a checkpoint holds, without running it."""

import json
from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.as_json
@options.debug
def inspect(file: Path, as_json: bool, debug: bool) -> None:
    """Say what FILE holds, without running any of it."""
    from xaiaudit.models import inspect_file

    found = inspect_file(file)
    if as_json:
        say_json(json.dumps(found, indent=1))
        return
    for line in lines(found):
        say(line)


def lines(found: object, indent: str = "") -> list[str]:
    """Nested plain values as readable lines."""
    if not isinstance(found, dict):
        return [f"{indent}{found}"]
    shown = []
    for key, value in found.items():
        if isinstance(value, dict) and value:
            shown += [f"{indent}{key}:", *lines(value, indent + "  ")]
        else:
            shown.append(f"{indent}{key}: {_flat(value)}")
    return shown


def _flat(value: object) -> str:
    if isinstance(value, list | tuple):
        text = ", ".join(str(item) for item in value[:8])
        return text + (f", ... ({len(value)} in all)" if len(value) > 8 else "")
    return "none" if value is None or value == {} else str(value)
