"""xaiaudit init: a policy to start from."""

import json
from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_json


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("xaiaudit.toml"),
    show_default=True,
    help="File to write.",
)
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of images to audit on; may be repeated.  [default: the test split that a checkpoint recorded]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option(
    "--schema", is_flag=True, help="Print the JSON Schema of a policy, for an editor, and write none."
)
@options.debug
def init(out: Path, data: tuple[Path, ...], force: bool, schema: bool, debug: bool) -> None:
    """Write a commented policy to start from: what is attacked, and what must hold.

    `xaiaudit attack MODEL --policy FILE` audits and judges by it; docs/policy.md tells every key.
    """
    from xaiaudit.gate.policy import Policy
    from xaiaudit.gate.starter import write_starter

    if schema:
        say_json(json.dumps(Policy.model_json_schema(), indent=1))
        return
    write_starter(out, data, overwrite=force)
    say(f"Policy: {out}")
    say(f"Next: read its limits, change them, and run xaiaudit attack MODEL --policy {out}")
