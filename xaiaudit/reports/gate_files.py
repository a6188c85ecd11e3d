"""What a verdict leaves beside gate.json, and what it tells the page of a GitHub job."""

import os
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.audit_files import read_record
from xaiaudit.errors import AuditError
from xaiaudit.gate_record import Verdict
from xaiaudit.reports.anchors import root
from xaiaudit.reports.annotations import annotations
from xaiaudit.reports.junit import junit
from xaiaudit.reports.markdown import summary_markdown
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
    contents = {
        JUNIT: junit(verdict, record),
        SUMMARY: summary_markdown(verdict, record, folder).encode(),
        SARIF: sarif(verdict, root(environment)),
    }
    for name, content in contents.items():
        _write(folder / name, content)
    return [folder / name for name, content in contents.items() if content is not None]


def _write(path: Path, content: bytes | None) -> None:
    try:
        if content is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, content)
    except OSError as error:
        raise AuditError(f"{path} cannot be written ({error.strerror})") from error


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
        [*lines, f"Warning: {folder / SUMMARY} is not on the page of the job, as {failed}"]
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
