"""Lines that GitHub Actions shows beside the policy's lines: https://docs.github.com/actions, workflow commands."""

from pathlib import Path

from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.reports.anchors import inside
from xaiaudit.reports.plain import plain
from xaiaudit.reports.severity import not_passed, tally

MOST = 10  # of one kind that GitHub shows of one step


def annotations(verdict: Verdict, root: Path) -> list[str]:
    """At most ten `::error` lines, gravest first; where there is more to say, the last one says how much.

    Args:
        verdict: whose findings that failed or could not be assessed are told.
        root: the checkout, from which GitHub knows files.
    """
    told = not_passed(verdict)
    rest = told[MOST - 1 :] if len(told) > MOST else []
    file = inside(verdict.policy, root)
    lines = [_line(finding, file) for finding in told[: len(told) - len(rest)]]
    if rest:
        words = (
            f"{len(rest)} more findings did not pass ({tally(rest)}); gate.json and summary.md have them all"
        )
        lines.append(_command({"file": file, "title": "xaiaudit: more findings"}, words))
    return lines


def _line(finding: Finding, file: str | None) -> str:
    line = None if file is None or finding.line is None else str(finding.line)
    title = plain(f"xaiaudit: {finding.status}: {finding.id}")
    return _command({"file": file, "line": line, "title": title}, plain(finding.words))


def _command(properties: dict[str, str | None], words: str) -> str:
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value is not None)
    return f"::error {said}::{_data(words)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A semicolon stays: the runner turns %3B back only in commands of the old form ##[error]."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
