"""The three public datasets, where a folder of them is named: counts, cases, spacing and known defects."""

from pathlib import Path

import numpy as np
import pytest

from xaiaudit.data import open_dataset, prepare, read_samples
from xaiaudit.types import Preprocessing


def test_busi(test_data: Path) -> None:
    selected = open_dataset(test_data / "busi")
    assert selected.describe() == "BUSI, 647 images (437 benign, 210 malignant), 133 normals left out"
    dataset = open_dataset(test_data / "busi", normals="class")
    assert sum(len(entry.masks) > 1 for entry in dataset.entries) == 17
    assert sum(len(entry.masks) for entry in dataset.entries) == 798
    samples, left_out = read_samples(dataset)
    assert not left_out
    assert all(sample.mask.any() == (sample.label != "normal") for sample in samples)
    by_file = {sample.file: sample.sha256 for sample in samples}
    assert by_file["benign/benign (433).png"] == by_file["malignant/malignant (145).png"]


def test_busbra(test_data: Path) -> None:
    dataset = open_dataset(test_data / "busbra")
    assert dataset.describe() == "BUS-BRA, 557 images (388 benign, 169 malignant)"
    assert len({entry.case for entry in dataset.entries}) == 320
    samples, left_out = read_samples(dataset, strict=True)
    assert not left_out
    wrong_box, wrong_height = [], []
    for sample in samples:
        rows, columns = np.flatnonzero(sample.mask.any(1)), np.flatnonzero(sample.mask.any(0))
        if sample.boxes.tolist() != [[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]]:
            wrong_box.append(sample.file)
        if int(sample.attributes["height"]) != sample.source_shape[0]:
            wrong_height.append(sample.file)
    assert wrong_box == ["Images/bus_0845-s.png"]
    assert wrong_height == ["Images/bus_0912-l.png"]


def test_breast_usg(test_data: Path) -> None:
    dataset = open_dataset(test_data / "breast_usg", normals="class")
    assert dataset.describe() == "BrEaST-Lesions-USG, 60 images (36 benign, 23 malignant, 1 normal)"
    assert len({entry.case for entry in dataset.entries}) == 60
    samples, _ = read_samples(dataset, strict=True)
    assert [sample.label for sample in samples if not sample.mask.any()] == ["normal"]
    depths = [sample.spacing[0] * sample.source_shape[0] for sample in samples]
    assert 15 < min(depths) < max(depths) < 80  # millimetres that a breast scan can show


@pytest.mark.parametrize("mode", ["pad", "stretch"])
@pytest.mark.parametrize("folder", ["busi", "busbra", "breast_usg"])
def test_no_lesion_is_lost_or_changes_its_size_in_preparing(test_data: Path, folder: str, mode: str) -> None:
    preprocessing = Preprocessing(mode=mode)
    dataset = open_dataset(test_data / folder)
    for sample in dataset.subset(range(0, len(dataset), 8), "every eighth"):
        prepared = prepare(sample, preprocessing)
        area = np.linalg.det(prepared.affine[:, :2])
        assert prepared.mask.sum() == pytest.approx(sample.mask.sum() * area, rel=0.03, abs=3)
        assert (prepared.image[~prepared.valid] == 0).all()
