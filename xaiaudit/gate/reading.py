"""Reading `xaiaudit.toml`. What is wrong with it is told in one line, with the line of the file. No torch."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xaiaudit.errors import UsageError
from xaiaudit.gate.asked import Asked
from xaiaudit.gate.faults import Fault, first_fault
from xaiaudit.gate.key_lines import GivenTwice, Key, key_lines
from xaiaudit.gate.policy import Policy
from xaiaudit.gate.rules import check

POLICY = "xaiaudit.toml"
_PLACE = re.compile(r" \((?:at line (\d+), column \d+|at end of document)\)$")
_TOML_WORDS: Mapping[str, str] = {
    "Invalid value": "a value is missing or is no value of TOML; text stands in quotes",
    "Invalid statement": "this is no table, key or comment",
    "Illegal character '\\n'": "a text is not closed before the end of its line",
}


@dataclass(frozen=True, kw_only=True)
class ReadPolicy:
    policy: Policy
    path: Path  # as it was named
    text: str  # the file, whole
    sha256: str  # of its bytes
    lines: tuple[int, ...]  # of each finding, counted from 1
    asked: tuple[Asked, ...]  # what each finding is about
    keys: Mapping[Key, int]  # line of every key

    def fault(self, key: Key, words: str) -> UsageError:
        """An error that names the line of a key, to be raised."""
        return _error(self.path, key, words, self.keys)


def read_policy(path: Path) -> ReadPolicy:
    """The policy in a file, checked as far as it can be without a model, images or torch.

    Raises:
        UsageError: it cannot be read, is not TOML, or asks for what there is not.
    """
    raw = _bytes(path)
    text = _decoded(path, raw)
    data = _toml(path, text)
    lines = key_lines(text)
    if not data:
        raise UsageError(f"{path}: holds no key; xaiaudit init writes a policy to start from")
    try:
        policy = _validated(data, lines)
        asked = check(policy)
    except Fault as fault:
        raise _error(path, fault.key, fault.words, lines) from fault
    return ReadPolicy(
        policy=policy,
        path=path,
        text=text,
        sha256=hashlib.sha256(raw).hexdigest(),
        lines=tuple(lines["finding", number] for number in range(len(policy.finding))),
        asked=asked,
        keys=lines,
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; xaiaudit init writes a policy to start from") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name the file of a policy") from error


def _decoded(path: Path, raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    if text.startswith("\ufeff"):
        raise UsageError(
            f"{path}, line 1: the file begins with a byte-order mark, which TOML has none of; save it as UTF-8 "
            "without one"
        )
    return text


def _toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: brackets stand too deep in one another for a policy") from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        words = message[: place.start()] if place else message
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        if words.startswith(("Cannot overwrite", "Duplicate inline")):
            _refuse_twice(path, "\n".join(text.split("\n")[:line]))
        raise UsageError(f"{path}, line {line}: not TOML: {_TOML_WORDS.get(words, words)}") from error
    except ValueError as error:  # a number of thousands of digits
        raise UsageError(f"{path}: a number in it has thousands of digits, which no key takes") from error


def _refuse_twice(path: Path, text: str) -> None:
    try:
        key_lines(text)
    except GivenTwice as twice:
        raise UsageError(
            f"{path}, line {twice.line}: {str(twice.key[-1])!r} is given twice, first in line {twice.first}; "
            "give it once"
        ) from None


def _validated(data: dict[str, Any], lines: Mapping[Key, int]) -> Policy:
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise first_fault(error, lines) from error


def _error(path: Path, key: Key, words: str, lines: Mapping[Key, int]) -> UsageError:
    """With the line of the key, or of the table that lacks it; what the whole file lacks has no line."""
    while key and key not in lines:
        key = key[:-1]
    return UsageError(f"{path}, line {lines[key]}: {words}" if key else f"{path}: {words}")
