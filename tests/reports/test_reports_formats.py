"""`xaiaudit report AUDIT --format ...`: which files are written where, and what is said where one cannot be."""

import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import example_verdict as example
import pytest
from click.testing import CliRunner, Result

from xaiaudit.audit_files import read_record
from xaiaudit.cli import main
from xaiaudit.records import AuditRecord
from xaiaudit.reports import reading
from xaiaudit.reports.formats import FORMATS, write_formats


def report(*words: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, words)])


def refused(*words: object) -> str:
    """The one line of exit code 2."""
    result = report(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.fixture
def judged(audit: Path) -> Path:
    made = example.verdict(audit, example.mixed())
    (audit / "gate.json").write_text(made.model_dump_json())
    return audit


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole") / "audit"
    shutil.copytree(folder, made)
    (made / "gate.json").write_text(example.verdict(made, example.mixed()).model_dump_json())
    return made


def test_every_format_is_written_into_the_audit(whole: Path) -> None:
    names = [name for name in FORMATS if name != "pdf"]  # the default, which tests of the command line write
    result = report(whole, "--format", ",".join(names))
    assert result.exit_code == 0, result.output
    paths = [Path(line.removeprefix("Report: ")) for line in result.stdout.splitlines()]
    assert paths == [whole / FORMATS[name].file for name in names]
    assert (whole / "report.html").read_text(encoding="utf-8").startswith("<!")
    assert ET.parse(whole / "junit.xml").getroot().tag == "testsuites"
    assert (whole / "summary.md").read_text(encoding="utf-8").startswith("## xaiaudit: failed")


def test_tables_are_read_once_for_page_and_pdf(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(folder: Path) -> AuditRecord:
        read.append(folder)
        return read_record(folder)

    monkeypatch.setattr(reading, "read_record", counted)
    written = list(write_formats(whole, ["pdf", "html"], tmp_path))
    assert [path.name for path in written] == ["report.pdf", "report.html"]
    assert all(path.stat().st_size > 10_000 for path in written)
    assert read == [whole]


def test_what_the_design_names_is_what_stands_in_the_folder() -> None:
    assert [each.file for each in FORMATS.values()] == [
        "report.pdf",
        "report.html",
        "junit.xml",
        "summary.md",
    ]


def test_out_is_a_folder_or_for_one_format_a_file(judged: Path, tmp_path: Path) -> None:
    assert report(judged, "--format", "junit,md", "--out", tmp_path / "new" / "deep").exit_code == 0
    assert {path.name for path in (tmp_path / "new" / "deep").iterdir()} == {"junit.xml", "summary.md"}
    assert report(judged, "--format", "md", "--out", tmp_path / "mine.md").exit_code == 0
    assert (tmp_path / "mine.md").read_bytes() == (tmp_path / "new" / "deep" / "summary.md").read_bytes()
    (tmp_path / "v1.0").mkdir()
    assert report(judged, "--format", "md", "--out", tmp_path / "v1.0").exit_code == 0
    assert (tmp_path / "v1.0" / "summary.md").is_file()
    assert not (judged / "summary.md").exists()


def test_several_formats_need_a_folder(judged: Path, tmp_path: Path) -> None:
    assert "is one file, and 2 formats" in refused(judged, "--format", "md,junit", "--out", tmp_path / "a.md")
    (tmp_path / "taken").write_text("mine")
    assert "cannot be made" in refused(judged, "--format", "md,junit", "--out", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_file_that_ends_otherwise_is_not_written_over(judged: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "model.pt"
    other.write_text("weights")
    assert "ends in " in refused(judged, "--format", name, "--out", other)
    assert other.read_text() == "weights"


def test_an_unknown_format_names_the_nearest(judged: Path) -> None:
    assert "no format 'htlm'; the nearest is 'html'" in refused(judged, "--format", "pdf,htlm")
    assert "no format ''" in refused(judged, "--format", "md,")
    assert "there are pdf, html, junit, md" in refused(judged, "--format", "docx")
    assert not (judged / "report.pdf").exists()


def test_a_format_is_written_once_and_in_any_case(judged: Path) -> None:
    result = report(judged, "--format", "md, MD")
    assert result.stdout.splitlines() == [f"Report: {judged / 'summary.md'}"]


@pytest.mark.parametrize("why", ["no gate.json", "verdict of another audit"])
def test_junit_without_a_verdict_is_refused_and_nothing_is_written(
    audit: Path, tmp_path: Path, why: str
) -> None:
    if why == "verdict of another audit":
        made = example.verdict(audit, example.mixed(), audit_sha256="0" * 64)
        (audit / "gate.json").write_text(made.model_dump_json())
    said = refused(audit, "--format", "md,junit", "--out", tmp_path / "new")
    assert "junit tells a verdict" in said
    assert why in said
    assert f"xaiaudit gate {audit} --policy" in said
    assert not (tmp_path / "new").exists()


def test_a_summary_without_a_verdict_says_why(audit: Path) -> None:
    assert report(audit, "--format", "md").exit_code == 0
    text = (audit / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("## xaiaudit: no policy\n")
    assert "passes nothing and fails nothing" in text
    made = example.verdict(audit, example.mixed(), audit_sha256="0" * 64)
    (audit / "gate.json").write_text(made.model_dump_json())
    assert report(audit, "--format", "md").exit_code == 0
    assert "**verdict of another audit" in (audit / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_format_is_made_of_no_audit(tmp_path: Path, name: str) -> None:
    assert "audit.json" in refused(tmp_path, "--format", name)
    assert list(tmp_path.iterdir()) == []
