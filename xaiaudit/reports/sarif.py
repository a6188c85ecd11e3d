"""gate.sarif: findings that did not pass, at the lines of the policy that asked for them. SARIF 2.1.0 (OASIS 2020)."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.reports.anchors import inside
from xaiaudit.reports.plain import plain
from xaiaudit.reports.severity import not_passed

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 5000  # results of one run that GitHub keeps


def sarif(verdict: Verdict, root: Path) -> bytes | None:
    """The verdict for a code-scanning page; None where no policy file was used, as a result needs a line to stand at.

    Both a finding that failed and one that could not be assessed are errors: neither passed. What passed is left out,
    as such pages show every result as a fault.
    """
    if verdict.policy.sha256 is None:
        return None
    told = not_passed(verdict)[:MOST]
    rules = sorted({finding.metric for finding in told})
    place = _place(verdict, root)
    run = {
        "tool": {
            "driver": {
                "name": "xaiaudit",
                "version": verdict.xaiaudit,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "results": [_result(finding, rules, place) for finding in told],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": verdict.verdict, "audit_sha256": verdict.audit_sha256},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(log, indent=1, ensure_ascii=False) + "\n").encode()


def _place(verdict: Verdict, root: Path) -> dict[str, str]:
    """Below the checkout where it lies there, else by its whole path."""
    relative = inside(verdict.policy, root)
    if relative is None:
        return {"uri": Path(verdict.policy.path).absolute().as_uri()}
    return {"uri": quote(relative), "uriBaseId": "%SRCROOT%"}


def _rule(metric: str) -> dict[str, Any]:
    words = f"{plain(metric)}: a finding of the policy"
    return {
        "id": plain(metric),
        "shortDescription": {"text": words},
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Finding, rules: list[str], place: dict[str, str]) -> dict[str, Any]:
    return {
        "ruleId": plain(finding.metric),
        "ruleIndex": rules.index(finding.metric),
        "kind": "fail",
        "level": "error",
        "message": {"text": plain(f"{finding.id}, {finding.status}: {finding.words}")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": place,
                    # a condition of every audit stands in no line, and GitHub wants one: the file's first
                    "region": {"startLine": finding.line or 1},
                }
            }
        ],
        # The same alert from run to run, wherever its line goes; two findings of one line are two alerts. It is the one
        # fingerprint that GitHub reads.
        "partialFingerprints": {"primaryLocationLineHash": _digest(finding.id)},
    }


def _digest(text: str) -> str:
    return hashlib.sha256(plain(text).encode()).hexdigest()
