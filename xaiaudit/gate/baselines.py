"""The audit to compare with, named on the command line or by the policy: itself, or the newest of a store. No torch."""

from pathlib import Path

from xaiaudit.audit_files import RECORD
from xaiaudit.errors import UsageError
from xaiaudit.gate.reading import ReadPolicy
from xaiaudit.gate.store import INDEX, newest


def find_baseline(policy: ReadPolicy, named: Path | None) -> Path | None:
    """The folder of the baseline; None where the policy names none, or a store in which nothing is accepted yet.

    Raises:
        UsageError: what is named is neither an audit nor a store, or, on the command line, an empty store.
        AuditError: the store cannot be read.
    """
    if named is not None:
        found = _resolved(named, "--baseline")
        if found is None:
            raise UsageError(
                f"--baseline {named}: no audit is accepted there yet; accept one with xaiaudit accept, or say "
                "--no-baseline where none was ever accepted"
            )
        return found
    own = policy.policy.gate.baseline
    if own is None:
        return None
    path = policy.path.parent / own
    return _resolved(path, f"baseline of {policy.path}") if path.exists() else None


def _resolved(path: Path, where: str) -> Path | None:
    if (path / RECORD).is_file():
        return path
    if (path / INDEX).is_file():
        return newest(path)
    if path.is_dir() and not any(path.iterdir()):
        return None
    raise UsageError(
        f"{where}: {path} {_fault(path)}; name the folder of an audit, or of the store that xaiaudit accept fills, or "
        "say --no-baseline where none was ever accepted"
    )


def _fault(path: Path) -> str:
    if path.is_dir():
        return f"is neither an audit (no {RECORD}) nor a store of accepted ones (no {INDEX})"
    return "is a file, and a baseline is a folder" if path.exists() else "is not there"
