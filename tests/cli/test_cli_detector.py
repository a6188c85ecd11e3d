"""A detector through every command: trained in steps, stopped and continued, measured, attacked, judged, told."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from shared_folders import made_once

from xaiaudit.cli import main
from xaiaudit.data import write_phantoms
from xaiaudit.metrics.pseudo_mask import box_iou
from xaiaudit.records import AuditRecord
from xaiaudit.training import progress
from xaiaudit.training.progress import Epoch

# faint boxes count too: what so small a network learns in a moment is not sure of anything
GOALS = ("leave-decision", "hide:score=0.02,iou=0.05", "move:score=0.02", "invent:score=0.9")
NAMES = ("fgsm", "fgsm-hide", "fgsm-move", "fgsm-invent")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def ended_well(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.output


def images(folder: Path) -> Path:
    """24 phantoms with a lesion, and 9 images of speckle without one."""
    manifest = write_phantoms(folder / "images", 24, seed=3, size=64)
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rng = np.random.default_rng(0)
    for number in range(9):
        name = f"images/normal-{number}.png"
        Image.fromarray(rng.integers(60, 140, (64, 64), np.uint8)).save(manifest.parent / name)
        rows.append(dict.fromkeys(rows[0], "") | {"image": name, "label": "normal"})
    with manifest.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return manifest


def train_words(folder: Path) -> list[object]:
    made = [
        f"--arg={word}" for word in ("backbone=small-cnn", "smallest_anchor=8", "regions=8", "mask_width=16")
    ]
    steps = ["--proposal-epochs", 2, "--head-epochs", 1, "--epochs", 2, "--batch-size", 8]
    how = ["--optimizer", "adam", "--learning-rate", 3e-3, "--size", 64, "--channels", 1, "--threads", 1]
    data = ["--data", folder / "images" / "manifest.csv", "--normals", "class"]
    return ["train", "--arch", "ft-mtl-net", *made, *data, *steps, *how, "--out", folder / "model.pt"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector, stopped between two of its steps and gone on with, and an audit of it."""

    def make(folder: Path) -> None:
        images(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(progress._OnConsole, "epoch", _stop_after_the_proposals)
            assert call(*train_words(folder)).exit_code == 130
        said = ended_well(*train_words(folder))
        assert "going on after epoch 2 of 5" in said
        criteria = [word for goal in GOALS for word in ("--criterion", goal)]
        method = [
            "--method",
            "fgsm:epsilon=8/255,steps=3",
            "--no-curve",
            "--explainer",
            "grad-cam",
            "--threads",
            1,
        ]
        quick = ["--no-acquisition", "--no-checks", "--no-report", "--gallery", 1, "--out", folder / "audit"]
        (folder / "said.txt").write_text(
            ended_well("attack", folder / "model.pt", *method, *criteria, *quick), encoding="utf-8"
        )

    return made_once(tmp_path_factory, "detector", make)


def _stop_after_the_proposals(_: object, epoch: Epoch, epochs: int) -> None:
    if epoch.number == 2 < epochs:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((folder / "audit" / "audit.json").read_text(encoding="utf-8"))


def test_goals_are_counted_over_the_images_that_have_them(folder: Path, record: AuditRecord) -> None:
    normals = record.datasets[0].labels["normal"]
    assert normals
    under = {attack.id: attack for attack in record.attacks}
    assert tuple(under) == NAMES
    clean = record.clean.detection
    assert clean is not None
    assert (
        clean.images == record.images
    )  # of every phantom it is known where its lesion is, and of the others too
    assert clean.lesions == record.images - normals
    assert under["fgsm"].applicable == record.images
    assert 0 < under["fgsm-hide"].applicable <= clean.lesions
    assert 0 < under["fgsm-move"].applicable <= record.images
    assert under["fgsm-invent"].applicable == normals  # no clean box is that sure
    for attack in record.attacks:
        assert attack.reached.n == attack.applicable
        assert attack.detection is not None
        assert attack.detection.lesions == clean.lesions
    said = (folder / "said.txt").read_text(encoding="utf-8")
    for words in ("hide the lesion", "move the box", "invent a lesion"):
        assert words in said


def test_a_moved_box_is_elsewhere_in_the_tables(folder: Path) -> None:
    """Judged once more from what the audit wrote down."""
    rows = pq.read_table(folder / "audit" / "predictions.parquet").to_pylist()
    clean = {row["image"]: boxes_of(row) for row in rows if row["attack_id"] == "none"}
    asked = [
        row for row in rows if row["attack_id"] == "fgsm-move" and row["applicable"] and not row["quantised"]
    ]
    assert asked
    for row in asked:
        drawn, was = boxes_of(row), clean[row["image"]][0]
        sure = len(drawn) and drawn[0, 4] >= 0.02
        assert row["reached"] == bool(sure and box_iou(drawn[0, :4], was[None, :4])[0] < 0.2)


def boxes_of(row: dict[str, Any]) -> np.ndarray:
    return np.array(row["boxes"]).reshape(-1, 6)


def test_what_was_stopped_and_gone_on_with_is_measured(folder: Path) -> None:
    data = ["--data", folder / "images" / "manifest.csv", "--normals", "class"]
    found = json.loads(call("evaluate", folder / "model.pt", *data, "--threads", 1, "--json").stdout)
    assert found["detection"]["lesions"] == 24
    assert found["detection"]["unknown"] == 0
    assert "lesions found" in ended_well("evaluate", folder / "model.pt", "--limit", 4, "--threads", 1)


def test_the_other_commands_end_well(folder: Path, tmp_path: Path) -> None:
    model, audit = folder / "model.pt", folder / "audit"
    assert "ft-mtl-net" in ended_well("inspect", model)
    picture = folder / "images" / "images"
    image = sorted(picture.glob("*.png"))[0]
    ended_well("explain", model, image, "--threads", 1, "--out", tmp_path / "maps")
    assert "fgsm-hide" in ended_well("compare", audit, audit, "--out", tmp_path / "compared")
    ended_well("report", audit, "--format", "md,html", "--out", tmp_path / "told")
    ended_well("card", audit, "--out", tmp_path / "card.md")
    assert "ft-mtl-net" in (tmp_path / "card.md").read_text(encoding="utf-8")
    gate = call("gate", audit, "--max-flip-rate", 1)
    assert gate.exit_code in (0, 1), gate.output
