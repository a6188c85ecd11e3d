"""The examples run as they stand, and the demo does what the README says of it."""

import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_models import train_small

from xaiaudit.cli import main
from xaiaudit.data import write_phantoms
from xaiaudit.records import AuditRecord

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_ends_with_a_report(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(example), str(tmp_path / "out")])
    runpy.run_path(str(example), run_name="__main__")
    pdf = Path(capsys.readouterr().out.splitlines()[-1])
    assert pdf.read_bytes().startswith(b"%PDF")


def test_the_demo_prints_the_path_of_its_pdf(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    words = ["demo", "--out", str(out), "--images", "40", "--size", "64", "--epochs", "2"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("Report: "))
    assert Path(line.removeprefix("Report: ")).read_bytes().startswith(b"%PDF")
    record = AuditRecord.model_validate_json((out / "audit" / "audit.json").read_bytes())
    assert [attack.id for attack in record.attacks] == ["fgsm", "pgd", "deepfool"]
    assert record.regions.calibrated == record.images > 0
    assert record.leak.assessed
    (audited,) = record.datasets
    assert audited.selection.startswith("test split of the checkpoint")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of few images, so few to audit."""
    folder = tmp_path_factory.mktemp("few")
    return train_small(write_phantoms(folder / "phantoms", 24, size=64).parent, folder / "m.pt", "small-cnn")


@pytest.mark.parametrize(("page", "said"), [("README.md", "report.pdf"), ("docs/faithfulness.md", "tensor")])
def test_the_python_of_a_page_runs_as_printed(
    page: str,
    said: str,
    few: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copy(few, tmp_path / "model.pt")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snippet.py").write_text(block, encoding="utf-8")
    runpy.run_path(str(tmp_path / "snippet.py"))
    assert said in capsys.readouterr().out
