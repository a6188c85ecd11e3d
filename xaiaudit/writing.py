"""Writing a file so that a reader finds the old one or the new one, never a half."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Written beside `path` and moved into place; where that fails nothing is left beside it.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
