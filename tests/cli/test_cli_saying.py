"""No file, class or folder that a command names is taken by GitHub's runner for a command of its own."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from xaiaudit.cli import main
from xaiaudit.models.checkpoint import KEY

BENIGN, MALIGNANT = "::error::benign", "##[group]malignant"


def obeyed(text: str) -> list[str]:
    """Lines that the runner acts on: ActionCommand.TryParseV2 and TryParse."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


@pytest.fixture(scope="module")
def foreign(checkpoint: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and images, all of them, and the classes, named as commands."""
    folder = tmp_path_factory.mktemp("foreign") / "##[debug]here"
    for name in (BENIGN, MALIGNANT):
        (folder / "data" / name).mkdir(parents=True)
    content = torch.load(checkpoint, weights_only=True)
    content[KEY] |= {"classes": [BENIGN, MALIGNANT], "positive": MALIGNANT}
    torch.save(content, folder / "::model.pt")
    with open(phantoms / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for label, own in (("benign", BENIGN), ("malignant", MALIGNANT)):
        for row in [row for row in rows if row["label"] == label][:4]:
            shutil.copy(
                phantoms / row["image"], folder / "data" / own / f"::warning::{Path(row['image']).name}"
            )
    (folder / "data" / BENIGN / "##[error]broken.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def attacked(foreign: Path) -> Path:
    out = foreign / "audit"
    words = ["--method", "fgsm-single", "--no-checks", "--no-curve", "--no-acquisition", "--no-report"]
    told = call("attack", foreign / "::model.pt", "--data", foreign / "data", *words, "--out", out)
    assert "Left out: 1 file" in told
    return out


def call(*words: object) -> str:
    """What is printed, on both streams; standard output alone with --json."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code in (0, 1), result.output
    assert obeyed(result.output) == []
    return result.stdout if "--json" in words else result.output


def test_of_a_model_and_its_images(foreign: Path, tmp_path: Path) -> None:
    model, data = foreign / "::model.pt", ["--data", foreign / "data"]
    assert "\\u{5b}group]malignant" in call("inspect", model)
    assert json.loads(call("inspect", model, "--json"))["classes"] == [BENIGN, MALIGNANT]
    assert "Left out: " in call("evaluate", model, *data)
    image = next((foreign / "data" / MALIGNANT).iterdir())
    explained = json.loads(call("explain", model, image, "--out", tmp_path, "--json"))
    assert {item["file"] for item in explained} == {str(image)}
    assert "\\u{5b}debug]here" in call("explain", model, image, "--out", foreign / "maps")
    call("data", "check", foreign / "data")


def test_of_an_audit(attacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    call("gate", attacked, "--max-flip-rate", "1")
    assert json.loads(call("gate", attacked, "--max-flip-rate", "1", "--json"))["audit_sha256"]
    assert "Report: " in call("report", attacked, "--format", "md,junit")
    other = attacked.parent / "::other"
    shutil.copytree(attacked, other)
    assert json.loads(call("compare", attacked, other, "--json"))["classes"] == [BENIGN, MALIGNANT]
    assert "Written: " in call("compare", attacked, other, "--out", attacked.parent / "compared")


def test_a_traceback_is_no_command_either(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["inspect", str(tmp_path / "a\n::error::b##[stop-commands]c.pt"), "--debug"]
    )
    assert "Traceback" in result.stderr
    assert result.exit_code == 2
    assert obeyed(result.output) == []
