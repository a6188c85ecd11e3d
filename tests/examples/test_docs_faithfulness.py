"""The Python of docs/faithfulness.md runs as printed."""

import re
import runpy
import shutil
from pathlib import Path

import pytest


def test_the_python_of_the_page_runs_as_printed(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "faithfulness.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    shutil.copy(checkpoint, tmp_path / "model.pt")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snippet.py").write_text(block, encoding="utf-8")
    runpy.run_path(str(tmp_path / "snippet.py"))
    assert "tensor" in capsys.readouterr().out
