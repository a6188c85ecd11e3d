"""What a command prints: file names, classes and layers in it are foreign, and a CI runner obeys what it reads."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

Told = TypeVar("Told", bound="BaseModel")


def say_record(record: Told, lines: Callable[[Told], Sequence[str]], *, as_json: bool) -> None:
    """What a command found, to standard output: as JSON, or in lines for people."""
    if as_json:
        say_json(record.model_dump_json(indent=1))
        return
    for line in lines(record):
        say(line)


def say(line: str, *, err: bool = False) -> None:
    """One line to standard output or error, as `reports.plain.line` makes it."""
    from xaiaudit.reports.plain import line as plain_line  # pydantic comes in here, not at --help

    click.echo(plain_line(line), err=err)


def say_json(text: str) -> None:
    """A JSON document to standard output: the same values, without the bracket of ##[ (see `reports.plain`)."""
    click.echo(text.replace("##[", "##\\u005b"))  # stands only within a string, where JSON knows the escape
