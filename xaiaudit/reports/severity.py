"""Which findings a reader should see first."""

from collections.abc import Sequence

from xaiaudit.gate_record import Finding, Verdict

_STATUS = {"failed": 0, "not assessed": 1, "passed": 2}
_KIND = {
    "condition": 0,
    "requirement": 1,
    "regression": 2,
}  # where a condition fails, no figure can be trusted


def gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    """By status, then by kind, then as the policy has them."""
    return sorted(findings, key=lambda finding: (_STATUS[finding.status], _KIND[finding.kind]))


def not_passed(verdict: Verdict) -> list[Finding]:
    """What failed or could not be assessed, gravest first."""
    return [finding for finding in gravest_first(verdict.findings) if finding.status != "passed"]


def tally(findings: Sequence[Finding]) -> str:
    """3 failed, 1 not assessed, 12 passed: only what there is."""
    counts = {status: sum(finding.status == status for finding in findings) for status in _STATUS}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "nothing was asked"
