"""A verdict in a terminal and in the log of a job: one line a finding, what matters most first."""

from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.reports.plain import plain
from xaiaudit.reports.severity import gravest_first, tally

_STATUS = {"failed": "FAILED", "not assessed": "NOT ASSESSED", "passed": "passed"}


def verdict_lines(verdict: Verdict) -> list[str]:
    """Lines in words, plain text without control characters; each begins with a word of ours, so that no name that
    looks like a command of the runner is taken for one."""
    findings = gravest_first(verdict.findings)
    width = max((len(plain(finding.id)) for finding in findings), default=0)
    lines = [line for finding in findings for line in _finding(finding, verdict.policy.path, width)]
    return [*lines, *ending(verdict)]


def ending(verdict: Verdict) -> list[str]:
    """Notes, what was judged by, and the verdict in the last line."""
    base = verdict.baseline
    return [
        *(f"Note: {plain(note)}" for note in verdict.notes),
        f"Policy: {plain(verdict.policy.path)}",
        f"Baseline: {plain(base.checkpoint)}, {plain(base.path)}" if base else "Baseline: none",
        f"Verdict: {verdict.verdict} ({tally(verdict.findings)})",
    ]


def _finding(finding: Finding, policy: str, width: int) -> list[str]:
    where = "" if finding.line is None else f" [{plain(policy)}:{finding.line}]"
    line = f"{_STATUS[finding.status]:<12}  {plain(finding.id):<{width}}  {plain(finding.words)}{where}"
    if finding.sample is None:
        return [line]
    return [line, f"{'':<12}  {'':<{width}}  {plain(finding.sample.words)}"]
