"""Recognising, normals, joining, subsets, and what is said when nothing fits."""

from pathlib import Path

import pytest
from data_layouts import (
    WRITERS,
    grey,
    write,
    write_breast_usg,
    write_busi,
    write_folder,
    write_manifest,
)

from xaiaudit.data import DATASETS, open_dataset, read_samples, recognise
from xaiaudit.data.datasets import lesion_label
from xaiaudit.data.entries import Entry
from xaiaudit.errors import DataError, UsageError


@pytest.mark.parametrize("kind", DATASETS)
def test_every_kind_is_recognised_and_can_be_forced(tmp_path: Path, kind: str) -> None:
    root = WRITERS[kind](tmp_path / "data")
    assert recognise(root) == kind
    assert open_dataset(root).kind == kind
    dataset = open_dataset(str(root), kind=kind)
    assert dataset.kind == kind
    samples, left_out = read_samples(dataset)
    assert len(samples) == len(dataset) > 0
    assert not left_out
    assert len({sample.name for sample in samples}) == len(samples)


@pytest.mark.parametrize("kind", [kind for kind in DATASETS if kind != "folder"])
def test_a_kind_that_does_not_fit_says_what_is_missing(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "lesions" / "a.png", grey())
    missing = {
        "manifest": "manifest.csv: no such",
        "busbra": "bus_data.csv",
        "busi": "malignant",
        "breast-usg": "xlsx",
        "inbreast": "not INbreast, which has INbreast.csv and folders AllDICOMs and AllXML",
        "udiat": "not UDIAT, which has a table DatasetB.xlsx",
        "busis": "not BUSIS, which has a table BUSIS562.csv or BUSIS.xlsx",
        "hmss": "not HMSS, which has a table HMSS.csv",
        "thammasat": "not Thammasat, which has a table Thammasat.csv",
        "rodrigues": "originals/benign",
    }
    with pytest.raises(DataError, match=missing[kind]) as caught:
        open_dataset(tmp_path, kind=kind)
    assert str(tmp_path) in str(caught.value)


def test_an_unknown_kind_gets_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown kind of dataset 'bus-bra'; did you mean busbra"):
        open_dataset(write_busi(tmp_path), kind="bus-bra")


def test_no_folder_no_images_and_nothing_given(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no images in it; name a folder of images"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match=r"no images in it$"):
        open_dataset(tmp_path, kind="folder")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"notes\.txt: no images in it"):
        open_dataset(tmp_path / "notes.txt")
    with pytest.raises(
        DataError, match=r"no images in it that can be used; a\.png: named in manifest\.csv, line 2"
    ):
        open_dataset(write_manifest(tmp_path, "image\na.png\n"))
    with pytest.raises(UsageError, match="no data folder was given"):
        open_dataset([])


def test_normals_are_a_selection_that_is_counted_and_no_defect(tmp_path: Path) -> None:
    root = write_busi(tmp_path / "busi")
    left_out = open_dataset(root)
    assert left_out.describe() == "BUSI, 5 images (3 benign, 2 malignant), 2 normals left out"
    assert (left_out.selection, left_out.left_out) == ("2 normals left out", ())
    benign = open_dataset(root, normals="benign")
    assert benign.describe() == "BUSI, 7 images (5 benign, 2 malignant), 2 normals count as benign"
    assert not benign[5].mask.any()
    own = open_dataset(root, normals="class")
    assert own.describe() == "BUSI, 7 images (3 benign, 2 malignant, 2 normal)"
    assert own.selection == "all"
    assert open_dataset(write_busi(tmp_path / "without", normals=0)).selection == "all"
    with pytest.raises(UsageError, match="normals can be leave-out, benign, class, got 'drop'"):
        open_dataset(root, normals="drop")


def test_nothing_but_normals_is_said(tmp_path: Path) -> None:
    write(tmp_path / "normal" / "a.png", grey())
    with pytest.raises(DataError, match="every image is labelled normal"):
        open_dataset(tmp_path)


def test_joined_datasets_are_one_and_each_sample_knows_its_own(tmp_path: Path) -> None:
    roots = [
        write_busi(tmp_path / "busi"),
        write_folder(tmp_path / "mine"),
        write_breast_usg(tmp_path / "breast"),
    ]
    (roots[0] / "benign" / "benign (1).png").unlink()
    joined = open_dataset(roots)
    assert joined.name == "BUSI + mine + BrEaST-Lesions-USG"
    assert len(joined) == sum(len(part) for part in joined.parts) == 4 + 3 + 2
    assert joined.classes == ("benign", "malignant", "phyllodes")
    assert [joined[i].dataset for i in (0, 4, 8)] == ["BUSI", "mine", "BrEaST-Lesions-USG"]
    assert [joined.part_of(i) for i in (0, 4, 8)] == [0, 1, 2]
    assert joined.left_out == (("BUSI/benign/benign (1)_mask.png", "a mask whose image is not there"),)
    assert joined.selection == "BUSI: 2 normals left out; BrEaST-Lesions-USG: 1 normal left out"
    assert "104863" in joined.citation
    assert "s41597" in joined.citation
    assert joined.describe().count(";") == 2


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    roots = [write_folder(tmp_path / site / "scans") for site in "abc"]
    joined = open_dataset(roots)
    assert [part.name for part in joined.parts] == ["scans", "scans-2", "scans-3"]
    assert len({sample.name for sample in joined}) == len(joined) == 9
    with pytest.raises(DataError, match="given twice"):
        open_dataset([roots[0], tmp_path / "b" / ".." / "a" / "scans"])


def test_an_unreadable_image_of_a_joined_dataset_is_named_with_its_dataset(tmp_path: Path) -> None:
    roots = [write_folder(tmp_path / site) for site in "ab"]
    (roots[1] / "phyllodes" / "a.png").write_bytes(b"")
    _, left_out = read_samples(open_dataset(roots))
    assert [file for file, _ in left_out] == ["b/phyllodes/a.png"]


def test_a_subset_keeps_order_and_words_and_its_parts(tmp_path: Path) -> None:
    joined = open_dataset([write_busi(tmp_path / "busi"), write_folder(tmp_path / "mine")])
    chosen = joined.subset([6, 0, 5], "test split, seed 0")
    assert [sample.name for sample in chosen] == [joined[i].name for i in (6, 0, 5)]
    assert chosen.selection == "test split, seed 0; BUSI: 2 normals left out"
    assert [len(part) for part in chosen.parts] == [1, 2]
    assert [part.selection for part in chosen.parts] == [
        "test split, seed 0; 2 normals left out",
        "test split, seed 0",
    ]
    one = open_dataset(tmp_path / "mine").subset([1], "first fold")
    assert one.parts == (one,)
    assert one.describe() == "mine, 1 image (1 benign), first fold"


def test_images_can_be_labelled_by_whether_they_show_a_lesion(tmp_path: Path) -> None:
    dataset = open_dataset(write_busi(tmp_path / "busi"), normals="class").by_lesion()
    assert set(dataset.classes) == {"no lesion", "lesion"}
    for entry, sample in zip(dataset.entries, dataset, strict=True):
        assert sample.mask is not None
        assert entry.label == sample.label == ("lesion" if sample.mask.any() else "no lesion")
    assert lesion_label(Entry(file="a", image=Path("a"), dataset="d")) is None
    assert lesion_label(Entry(file="a", image=Path("a"), dataset="d", label="malignant")) == "lesion"
