"""Imports: torch alone for the wrapper, nothing for the list of names, and one line for a broken pair."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import xaiaudit.models


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_need_no_torch_and_the_wrapper_torch_alone() -> None:
    out = _python(
        "import sys; from xaiaudit.models import MODELS; print('torch' in sys.modules);"
        "from xaiaudit.models import AuditedModel, load, convert, inspect_file;"
        "print([m for m in ('torchvision', 'timm', 'pydantic', 'captum', 'pyarrow') if m in sys.modules])"
    )
    assert out.splitlines() == ["False", "[]"]


@pytest.mark.parametrize("name", ["resnet18", "timm:resnet18"])
def test_a_torchvision_for_another_torch_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    out = _python(
        f"from xaiaudit.models import build\nfrom xaiaudit.errors import InstallationError\n"
        f"try: build({name!r}, classes=2, channels=3)\nexcept InstallationError as error: print(error)",
        PYTHONPATH=str(tmp_path),
    )
    assert len(out.splitlines()) == 1
    for words in ("with torch 2", "torchvision 0", "nms does not exist", "pip install"):
        assert words in out


def test_every_public_name_is_there() -> None:
    for name in xaiaudit.models.__all__:
        assert getattr(xaiaudit.models, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = xaiaudit.models.nothing
