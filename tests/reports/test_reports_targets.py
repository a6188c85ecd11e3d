"""Where documents may be written."""

from pathlib import Path

import pytest

from xaiaudit.errors import AuditError, UsageError
from xaiaudit.reports.targets import check_new, report_path, writing_into


def test_a_report_lies_in_the_audit_unless_named_otherwise(tmp_path: Path) -> None:
    assert report_path(tmp_path, "report.pdf", None) == tmp_path / "report.pdf"
    for out in (tmp_path / "mine.pdf", str(tmp_path / "MINE.PDF")):
        assert report_path(tmp_path, "report.pdf", out) == Path(out)
    with pytest.raises(AuditError, match=r"ends in \.pdf, got notes\.txt; nothing else is written over"):
        report_path(tmp_path, "report.pdf", "notes.txt")


def test_what_was_measured_is_not_written_over(tmp_path: Path) -> None:
    check_new(tmp_path / "none", ["a.json", "b.pdf"])
    (tmp_path / "c.txt").write_text("mine")
    check_new(tmp_path, ["a.json", "b.pdf"])
    (tmp_path / "b.pdf").write_text("measured")
    with pytest.raises(UsageError, match=r"holds b\.pdf already; name another folder with --out"):
        check_new(tmp_path, ["a.json", "b.pdf"])


def test_a_folder_is_made_and_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with writing_into(tmp_path / "new" / "deep"):
        (tmp_path / "new" / "deep" / "a.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(UsageError, match=r"cannot write to .*file .*; name another folder"),
        writing_into(tmp_path / "file"),
    ):
        pytest.fail("the folder cannot be made")
    with pytest.raises(UsageError, match="No such file"), writing_into(tmp_path):
        (tmp_path / "gone" / "a.json").write_text("{}")
