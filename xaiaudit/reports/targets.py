"""Where a document may be written: over nothing that was measured, and over no file of another kind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from xaiaudit.errors import AuditError, UsageError
from xaiaudit.reports.reading import Audit


def report_path(audit: Path | str | Audit, name: str, out: Path | str | None) -> Path:
    """`out`, which must end as `name` does; None: the file of that name in the folder of the audit.

    Raises:
        AuditError: it ends otherwise.
    """
    if out is None:
        return (audit.folder if isinstance(audit, Audit) else Path(audit)) / name
    check_suffix(Path(out), Path(name).suffix)
    return Path(out)


def check_suffix(path: Path, suffix: str) -> None:
    """Raises AuditError where the path ends otherwise."""
    if path.suffix.lower() != suffix:
        raise AuditError(f"this format ends in {suffix}, got {path}; nothing else is written over")


def check_new(folder: Path, names: Sequence[str]) -> None:
    """Raises UsageError where one of the files is in the folder already: it was measured, and cannot be made again."""
    for name in names:
        if (folder / name).exists():
            raise UsageError(f"{folder} holds {name} already; name another folder with --out")


@contextmanager
def writing_into(folder: Path) -> Iterator[None]:
    """The folder is made if need be; raises UsageError where it, or a file within, cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder} ({error.strerror}); name another folder with --out"
        ) from error
