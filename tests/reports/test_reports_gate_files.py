"""What a verdict leaves beside gate.json, and on the page of a GitHub job."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import example_verdict as example
import pytest

from xaiaudit.errors import AuditError
from xaiaudit.reports.gate_files import STEP, tell_github, write_gate_files


def test_three_files_stand_beside_the_audit(audit: Path) -> None:
    made = example.verdict(audit, example.mixed())
    paths = write_gate_files(audit, made, {})
    assert [path.name for path in paths] == ["junit.xml", "summary.md", "gate.sarif"]
    assert sorted(path.name for path in audit.iterdir()) == sorted(["audit.json", *(p.name for p in paths)])
    ET.parse(audit / "junit.xml")
    json.loads((audit / "gate.sarif").read_bytes())
    assert str(audit) in (audit / "summary.md").read_text(encoding="utf-8").replace("\\", "")


def test_no_sarif_of_an_earlier_verdict_stays(audit: Path) -> None:
    made = example.verdict(audit, example.mixed())
    write_gate_files(audit, made, {})
    limits = made.policy.model_copy(update={"path": "command line", "sha256": None})
    paths = write_gate_files(audit, made.model_copy(update={"policy": limits}), {})
    assert [path.name for path in paths] == ["junit.xml", "summary.md"]
    assert not (audit / "gate.sarif").exists()


def test_a_file_that_cannot_be_written_is_named(audit: Path) -> None:
    (audit / "junit.xml").mkdir()
    with pytest.raises(AuditError, match=r"junit\.xml cannot be written"):
        write_gate_files(audit, example.verdict(audit, example.mixed()), {})


def test_the_page_of_a_job_gets_the_summary_and_the_lines(audit: Path, tmp_path: Path) -> None:
    made = example.verdict(audit, example.mixed())
    write_gate_files(audit, made, {})
    page = tmp_path / "page.md"
    page.write_text("## tests\n")
    job = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page), "GITHUB_WORKSPACE": str(Path.cwd())}
    lines = tell_github(audit, made, job)
    assert len(lines) == 3
    assert all(line.startswith("::error file=ci/xaiaudit.toml,line=") for line in lines)
    assert page.read_bytes() == b"## tests\n\n" + (audit / "summary.md").read_bytes()


def test_outside_of_a_job_nothing_is_told(audit: Path) -> None:
    made = example.verdict(audit, example.mixed())
    write_gate_files(audit, made, {})
    assert tell_github(audit, made, {}) == []
    assert tell_github(audit, made, {"GITHUB_STEP_SUMMARY": "", "GITHUB_ACTIONS": "false"}) == []


@pytest.mark.parametrize("why", ["is full", "cannot be written"])
def test_a_page_that_takes_nothing_more_is_told_and_left(audit: Path, tmp_path: Path, why: str) -> None:
    made = example.verdict(audit, example.mixed(2, 0, 0))
    write_gate_files(audit, made, {})
    page = tmp_path / "page.md"
    if why == "is full":
        page.write_bytes(b"x" * (STEP - 100))
        before = page.read_bytes()
    else:
        page.mkdir()
    (line,) = tell_github(audit, made, {"GITHUB_STEP_SUMMARY": str(page)})
    assert line.startswith("Warning: ")
    assert why in line
    assert page.is_dir() or page.read_bytes() == before
