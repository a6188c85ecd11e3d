"""Made-up verdicts that keep to the schema, with names that would break what does not escape them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from xaiaudit.gate_record import BaselineUsed, Finding, PolicyUsed, Status, Verdict

HOSTILE = (
    'a|b <script>alert(1)</script> `c` *d* _e_ [f](http://g) \\| ]]> & "q" %0A::error::x, y; '
    "\x00\x0b\u202e\ud800\n| 病院 é"
)
SHOWN = (  # what of it a reader sees
    'a|b <script>alert(1)</script> `c` *d* _e_ [f](http://g) \\| ]]> & "q" %0A::error::x, y; '
    "\\u{0}\\u{b}\\u{202e}\\u{d800}\\u{a}| 病院 é"
)


def finding(
    number: int,
    status: Status,
    *,
    kind: Literal["requirement", "regression", "condition"] = "requirement",
    name: str = "flip-rate/fgsm",
    words: str = "flip rate 12.5 % within 1 grey level, at most 20.1 % with 95 % confidence; limit 10.0 %",
    **more: Any,
) -> Finding:
    given = {"line": None if kind == "condition" else 10 + number, "cases": 24} | more
    if kind == "requirement":
        given = {"sense": "at most", "limit": 0.1, "estimate": 0.125, "bound": 0.201} | given
    return Finding(id=f"{name}/{number}", kind=kind, metric="flip-rate", status=status, words=words, **given)


def mixed(passed: int = 3, failed: int = 2, not_assessed: int = 1) -> list[Finding]:
    """Findings in an order that no output should keep: what passed comes first."""
    statuses: list[Status] = ["passed"] * passed + ["not assessed"] * not_assessed + ["failed"] * failed
    return [finding(number, status) for number, status in enumerate(statuses)]


def verdict(folder: Path, findings: Sequence[Finding], **changes: Any) -> Verdict:
    """Of the audit in `folder`; `changes` replace fields."""
    statuses = {item.status for item in findings}
    overall: Status = (
        "failed" if "failed" in statuses else "not assessed" if "not assessed" in statuses else "passed"
    )
    made = Verdict(
        xaiaudit="0.1.0",
        audit_sha256=hashlib.sha256((folder / "audit.json").read_bytes()).hexdigest(),
        policy=PolicyUsed(path="ci/xaiaudit.toml", sha256="ab" * 32, text="version = 1\n"),
        baseline=BaselineUsed(
            path="baselines", checkpoint="last.pt", checkpoint_sha256="cd" * 32, audit_sha256="ef" * 32
        ),
        verdict=overall,
        findings=list(findings),
        notes=["deepfool is not judged: it has no radius"],
    )
    return made.model_copy(update=changes)
