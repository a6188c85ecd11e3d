"""gate.json in a report: used where it speaks of this audit, and where it does not, that is said."""

import hashlib
import shutil
from pathlib import Path

import pytest

from xaiaudit.gate_record import GATE_SCHEMA, Finding, PolicyUsed, Verdict
from xaiaudit.reports.reading import read_audit


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


def judged(folder: Path, **changes: object) -> Verdict:
    """A verdict on the audit in `folder`."""
    values: dict[str, object] = {
        "xaiaudit": "0.1.0",
        "audit_sha256": hashlib.sha256((folder / "audit.json").read_bytes()).hexdigest(),
        "policy": PolicyUsed(path="xaiaudit.toml", sha256="ab" * 32, text="version = 1"),
        "baseline": None,
        "verdict": "failed",
        "findings": [finding()],
        "notes": [],
    }
    return Verdict.model_validate(values | changes)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "audit"))


def test_without_gate_json_there_is_no_verdict_and_no_fault(folder: Path) -> None:
    audit = read_audit(folder)
    assert (audit.verdict, audit.verdict_fault) == (None, "")


def test_the_verdict_of_this_audit_is_taken_whole(copy: Path) -> None:
    verdict = judged(copy)
    (copy / "gate.json").write_text(verdict.model_dump_json())
    audit = read_audit(copy)
    assert (audit.verdict, audit.verdict_fault) == (verdict, "")


def test_the_verdict_of_another_audit_is_not_used(copy: Path) -> None:
    (copy / "gate.json").write_text(judged(copy, audit_sha256="00" * 32).model_dump_json())
    audit = read_audit(copy)
    assert audit.verdict is None
    assert audit.verdict_fault.startswith(
        "verdict of another audit: gate.json speaks of an audit.json with SHA-256 00"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "gate.json cannot be read"),
        ("[]", "gate.json is no verdict (the whole file"),
        ('{"verdict": "fine"}', "gate.json is no verdict ("),
        (f'{{"schema_version": {GATE_SCHEMA + 1}}}', f"reads up to {GATE_SCHEMA}"),
    ],
)
def test_what_is_no_verdict_is_not_used(copy: Path, content: str, words: str) -> None:
    (copy / "gate.json").write_text(content)
    audit = read_audit(copy)
    assert audit.verdict is None
    assert words in audit.verdict_fault
