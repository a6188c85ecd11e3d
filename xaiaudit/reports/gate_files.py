"""What a verdict leaves beside gate.json, and what it tells the page of a GitHub job."""

import os
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.audit_files import RECORD, digest, read_record
from xaiaudit.errors import AuditError
from xaiaudit.gate_record import Verdict
from xaiaudit.reports.anchors import root
from xaiaudit.reports.annotations import annotations
from xaiaudit.reports.junit import junit
from xaiaudit.reports.markdown import summary_markdown
from xaiaudit.reports.plain import plain
from xaiaudit.reports.reading_verdict import VERDICT, read_verdict
from xaiaudit.reports.sarif import sarif
from xaiaudit.writing import write_atomically

JUNIT, SUMMARY, SARIF = "junit.xml", "summary.md", "gate.sarif"
STEP = 1024 * 1024  # bytes of a step's summaries, which GitHub shows whole or not at all


def write_gate_files(
    folder: Path, verdict: Verdict, environment: Mapping[str, str] = os.environ
) -> list[Path]:
    """Write junit.xml, summary.md and, where a policy file was used, gate.sarif into an audit's folder.

    A gate.sarif of an earlier verdict goes where there is none now.

    Raises:
        AuditError: audit.json cannot be read, or a file cannot be written.
    """
    record = read_record(folder)
    written = [
        _write(folder / JUNIT, junit(verdict, record)),
        _write(folder / SUMMARY, summary_markdown(verdict, record, folder).encode()),
    ]
    content = sarif(verdict, root(environment))
    if content is None:
        (folder / SARIF).unlink(missing_ok=True)
        return written
    return [*written, _write(folder / SARIF, content)]


def withdraw(folder: Path) -> bool:
    """Take the verdict away that lies in an audit's folder, with what was made of it; False where there is none.

    Raises:
        AuditError: it cannot be removed.
    """
    if not (folder / VERDICT).is_file():
        return False
    for name in (VERDICT, JUNIT, SUMMARY, SARIF):  # the verdict first: without it the others tell nothing
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise AuditError(f"{folder / name} cannot be removed ({error.strerror})") from error
    return True


def write_junit(folder: Path, *, out: Path) -> Path:
    """The verdict that lies in the audit's folder, as JUnit XML.

    Raises:
        AuditError: there is none, audit.json cannot be read, or `out` cannot be written.
    """
    return _write(out, junit(the_verdict(folder, "junit"), read_record(folder)))


def write_summary(folder: Path, *, out: Path) -> Path:
    """What lies in the audit's folder, as Markdown; without a verdict it says "no policy".

    Raises:
        AuditError: audit.json cannot be read, or `out` cannot be written.
    """
    record = read_record(folder)
    verdict, fault = read_verdict(folder, digest(folder / RECORD))
    return _write(out, summary_markdown(verdict, record, folder, fault).encode())


def the_verdict(folder: Path, name: str) -> Verdict:
    """The verdict of an audit, for a format that tells nothing else.

    Raises:
        AuditError: the folder is no finished audit, or no verdict speaks of it.
    """
    read_record(folder)
    verdict, fault = read_verdict(folder, digest(folder / RECORD))
    if verdict is None:
        raise AuditError(
            f"{name} tells a verdict, and {folder} has none ({fault or f'no {VERDICT}'}); judge the audit with "
            f"xaiaudit gate {folder} --policy FILE"
        )
    return verdict


def _write(path: Path, content: bytes) -> Path:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise AuditError(f"{path} cannot be written ({error.strerror})") from error
    return path


def tell_github(folder: Path, verdict: Verdict, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Append summary.md of `folder` to the page of the job, and return lines for standard error.

    These annotate the policy; the runner reads them there as it reads standard output, so that `--json` stays JSON.
    Nothing happens where the environment is of no GitHub job. That the summary cannot be appended is one of the lines:
    the verdict is not the worse for it.
    """
    lines = annotations(verdict, root(environment)) if environment.get("GITHUB_ACTIONS") == "true" else []
    page = environment.get("GITHUB_STEP_SUMMARY")
    failed = _append(Path(page), (folder / SUMMARY).read_bytes()) if page else ""
    return (
        [*lines, plain(f"Warning: {folder / SUMMARY} is not on the page of the job, as {failed}")]
        if failed
        else lines
    )


def _append(page: Path, content: bytes) -> str:
    """Why it was not appended; empty where it was."""
    try:
        with open(page, "ab") as file:
            if file.tell() + 1 + len(content) > STEP:
                return (
                    f"{page} ($GITHUB_STEP_SUMMARY) is full: GitHub shows {STEP} bytes of a step or nothing"
                )
            file.write((b"\n" if file.tell() else b"") + content)
    except OSError as error:
        return f"{page} ($GITHUB_STEP_SUMMARY) cannot be written ({error.strerror})"
    return ""
