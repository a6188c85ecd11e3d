"""One made-up audit and its report for all tests of reports."""

import shutil
from pathlib import Path

import example_audit
import pytest

from xaiaudit.reports import write_html, write_report


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_audit.build(tmp_path_factory.mktemp("audit"), images=24)


@pytest.fixture(scope="session")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(folder, out=tmp_path_factory.mktemp("report") / "report.pdf")


@pytest.fixture(scope="session")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_html(folder, out=tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def audit(folder: Path, tmp_path: Path) -> Path:
    """audit.json alone, which tells all that the light formats need."""
    made = tmp_path / "audit"
    made.mkdir()
    shutil.copy(folder / "audit.json", made)
    return made
