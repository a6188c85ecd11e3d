"""A policy to start from."""

import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from xaiaudit.errors import UsageError
from xaiaudit.writing import write_atomically

_DATA = "# data = "


def starter(data: Sequence[str] = ()) -> str:
    """The commented policy; `data` names folders of images as the file shall name them."""
    lines = (files("xaiaudit.gate") / "starter.toml").read_text(encoding="utf-8").split("\n")
    if data:
        (place,) = (number for number, line in enumerate(lines) if line.startswith(_DATA))
        comment = " # relative to this file" if not all(map(os.path.isabs, data)) else ""
        lines[place] = f"data = {json.dumps(list(data), ensure_ascii=False)}{comment}"
    return "\n".join(lines)


def write_starter(out: Path, data: Sequence[Path] = (), *, overwrite: bool = False) -> None:
    """The starter policy as a file; folders of images are named relative to it, unless they are absolute.

    Raises:
        UsageError: the file is there already, a folder is not, or nothing can be written there.
    """
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already; name another with --out, or say --force to replace it")
    for path in data:
        if not path.exists():
            raise UsageError(f"--data {path}: no such folder; name one that holds images")
    named = [str(path) if path.is_absolute() else os.path.relpath(path, out.parent) for path in data]
    try:
        write_atomically(out, starter([Path(name).as_posix() for name in named]).encode())
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}); name another with --out") from error
    except UnicodeEncodeError as error:
        raise UsageError(f"a name in --data is not UTF-8, which TOML must be: {named}") from error
