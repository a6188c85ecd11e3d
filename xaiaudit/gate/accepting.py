"""Accepting an audit as the baseline of those to come. No torch."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from xaiaudit.audit_files import RECORD, check_tables, digest, read_record, table_files
from xaiaudit.errors import AuditError, UsageError
from xaiaudit.gate.store import Accepted, add, read_index
from xaiaudit.gate_record import Verdict

GATE = "gate.json"
USUAL = Path("baselines")  # the store, where nobody names one


def accept(folder: Path, store: Path, *, by: str, note: str = "", despite: str = "") -> Accepted:
    """Copy an audit into the store, without its pictures; from then on it is the baseline.

    Args:
        despite: why it is accepted although it has not passed a policy, or was not compared with the baseline that it
            takes the place of; empty: it must have.

    Raises:
        AuditError: no finished audit there, it was accepted before, or the store cannot be read or written.
        UsageError: it has not passed, or was not compared with the newest of the store, and no reason is given.
    """
    record, sha256 = read_record(folder), digest(folder / RECORD)
    verdict = read_own_verdict(folder, sha256)
    fault = _fault(folder, verdict) or _unseen(folder, verdict, store)
    if fault and not despite.strip():
        raise UsageError(f"{fault}; to accept it all the same, say why with --despite")
    files = _files(folder, [*table_files(record), *([GATE] if verdict else [])])
    check_tables(folder, record)
    now = datetime.now(UTC)
    entry = Accepted(
        name=f"{now:%Y-%m-%d}-{sha256[:12]}",
        date=now.isoformat(timespec="seconds"),
        checkpoint=record.checkpoint.path,
        checkpoint_sha256=record.checkpoint.sha256,
        audit_sha256=sha256,
        policy_sha256=None if verdict is None else verdict.policy.sha256,
        verdict="none" if verdict is None else verdict.verdict,
        by=by,
        note=note,
        despite=despite if fault else "",
        files={file.name: digest(file) for file in files},
    )
    add(store, entry, files)
    return entry


def store_of(folder: Path) -> Path:
    """Where the policy that the audit was judged by looks for its baseline; `baselines` where it names no store.

    The policy is where the verdict says; a path in it is relative to its folder.
    """
    verdict = read_own_verdict(folder, digest(folder / RECORD)) if (folder / RECORD).is_file() else None
    if verdict is None or verdict.policy.sha256 is None:
        return USUAL
    named = tomllib.loads(verdict.policy.text).get("gate", {}).get("baseline")
    store = USUAL if named is None else Path(verdict.policy.path).parent / named
    return USUAL if (store / RECORD).is_file() else store


def _files(folder: Path, more: Sequence[str]) -> list[Path]:
    """What is copied: record, tables and `more`. Raises AuditError where one is missing."""
    files = [folder / name for name in (RECORD, *more)]
    for file in files:
        if not file.is_file():
            raise AuditError(f"{file} is missing; restore the folder or run the audit again")
    return files


def read_own_verdict(folder: Path, sha256: str) -> Verdict | None:
    """gate.json, where it speaks of the audit.json with this hash."""
    try:
        verdict = Verdict.model_validate_json((folder / GATE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    except OSError as error:
        raise AuditError(f"{folder / GATE} cannot be read ({error.strerror})") from error
    return verdict if verdict.audit_sha256 == sha256 else None


def _fault(folder: Path, verdict: Verdict | None) -> str:
    """Why the audit is not to be accepted; empty where it is."""
    if verdict is None:
        return (
            f"{folder} holds no verdict on its audit ({GATE}); judge it first with xaiaudit gate {folder} "
            "--policy FILE"
        )
    if verdict.policy.sha256 is None:
        return (
            f"{folder} was judged by a limit of the command line, not by a policy; judge it with xaiaudit gate "
            f"{folder} --policy FILE"
        )
    if verdict.verdict != "passed":
        return f"the verdict on {folder} is {verdict.verdict}"
    return ""


def _unseen(folder: Path, verdict: Verdict | None, store: Path) -> str:
    """Why nobody knows whether it is worse than the store's newest, whose place it would take; empty where one does."""
    entries = read_index(store).entries
    if verdict is None or not entries or verdict.audit_sha256 in {entry.audit_sha256 for entry in entries}:
        return ""
    last = entries[-1]
    again = f"judge it again with xaiaudit gate {folder} --baseline {store}"
    if verdict.left_out:
        return f"{folder} was judged with --no-baseline, and {store} holds {last.name}; {again}"
    if verdict.baseline is not None and verdict.baseline.audit_sha256 != last.audit_sha256:
        return (
            f"{folder} was compared with {verdict.baseline.path}, not with {last.name}, which is the newest in "
            f"{store}; {again}"
        )
    return ""
