"""Writing a file so that a reader finds the old one or the new one, never a half; and whether one could be written."""

import os
import secrets
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Written beside `path` and moved into place; where that fails nothing is left beside it.

    Raises:
        OSError: it cannot be written.
    """
    # a process id is not enough: in containers that share a folder all are often the same
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


def prove_writable(folder: Path) -> None:
    """Makes the folder and writes a file there that nobody sees: better before the long work than after it.

    Raises:
        OSError: nothing can be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
