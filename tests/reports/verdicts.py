"""Made-up verdicts on a made-up audit."""

import hashlib
from pathlib import Path

from xaiaudit.gate_record import BaselineUsed, Finding, PolicyUsed, Verdict
from xaiaudit.records import Interval

CHANGE = Interval(estimate=0.15, low=0.05, high=0.24, n=24, cases=21, method="made up", level=0.9)


def finding(**changes: object) -> Finding:
    values: dict[str, object] = {
        "id": "flip-rate/fgsm",
        "kind": "requirement",
        "metric": "flip-rate",
        "attack_id": "fgsm",
        "sense": "at most",
        "limit": 0.1,
        "judged_by": "bound",
        "estimate": 0.9,
        "bound": 0.95,
        "images": 24,
        "cases": 21,
        "status": "failed",
        "words": "90.0 % of 24 decisions flip under fgsm; the upper bound, 95.0 %, may be at most 10.0 %",
        "line": 12,
    }
    return Finding.model_validate(values | changes)


def regression(**changes: object) -> Finding:
    values: dict[str, object] = {
        "id": "auc/no-worse",
        "kind": "regression",
        "metric": "auc",
        "attack_id": None,
        "limit": 0.02,
        "bound": None,
        "estimate": 0.8,
        "baseline": 0.95,
        "change": CHANGE,
        "p": 0.01,
        "p_holm": 0.02,
        "status": "passed",
        "words": "the AUC is 0.80, the baseline's 0.95",
    }
    return finding(**values | changes)


def judged(folder: Path, **changes: object) -> Verdict:
    """A verdict on the audit in `folder`."""
    values: dict[str, object] = {
        "xaiaudit": "0.1.0",
        "audit_sha256": hashlib.sha256((folder / "audit.json").read_bytes()).hexdigest(),
        "policy": PolicyUsed(
            path="xaiaudit.toml",
            sha256="ab" * 32,
            text='# a comment\nversion = 1\n\n[gate]\nbaseline = "accepted"\n',
            intended_use={
                "statement": "Second reading of B-mode images",
                "users": "",
                "limits": "Adults only",
            },
        ),
        "baseline": BaselineUsed(
            path="accepted/m0", checkpoint="m0.pt", checkpoint_sha256="cd" * 32, audit_sha256="ef" * 32
        ),
        "verdict": "failed",
        "findings": [finding(), regression()],
        "notes": ["2 findings with max_regression were left out, as --no-baseline says"],
    }
    return Verdict.model_validate(values | changes)
