"""Each layout, made small: what is read, and what is said when it does not fit."""

from pathlib import Path

import numpy as np
import pytest
from data_layouts import (
    BREAST_HEAD,
    BUSBRA_HEAD,
    SHAPE,
    grey,
    square,
    write,
    write_breast_usg,
    write_busbra,
    write_busi,
    write_folder,
)

from xaiaudit.data import open_dataset
from xaiaudit.errors import DataError


def test_busi_unites_all_masks_of_an_image(tmp_path: Path) -> None:
    dataset = open_dataset(write_busi(tmp_path / "busi"), normals="class")
    assert dataset.kind == "busi"
    assert "104863" in dataset.citation
    assert dataset.classes == ("benign", "malignant", "normal")
    assert [entry.label for entry in dataset.entries] == ["benign"] * 3 + ["malignant"] * 2 + ["normal"] * 2
    assert len(dataset.entries[1].masks) == 3
    sample = dataset[1]
    assert sample.name == "BUSI/benign/benign (2).png"
    assert (sample.mask == square() | square(left=40) | square(top=30)).all()
    assert (sample.image == grey(seed=2)).all()
    assert sample.case is None
    assert sample.spacing is None
    assert sample.source_shape == SHAPE
    assert not dataset[5].mask.any()  # a normal: outlined, without a lesion


def test_busi_orders_by_number_and_keeps_two_formats_of_one_name(tmp_path: Path) -> None:
    root = write_busi(tmp_path / "busi", normals=0)
    write(root / "benign" / "benign (10).png", grey(seed=10))
    write(root / "benign" / "benign (10).bmp", grey(seed=11))
    write(root / "benign" / "._benign (1).png", grey())
    (root / "benign" / "Thumbs.db").write_text("")
    names = [entry.image.name for entry in open_dataset(root).entries if entry.label == "benign"]
    assert names == [f"benign ({end}" for end in ("1).png", "2).png", "3).png", "10).bmp", "10).png")]


def test_busi_without_an_outline_is_not_without_a_lesion(tmp_path: Path) -> None:
    root = write_busi(tmp_path / "busi")
    (root / "malignant" / "malignant (1)_mask.png").unlink()
    (root / "normal" / "normal (1)_mask.png").unlink()
    dataset = open_dataset(root, normals="class")
    assert dataset[3].mask is None
    assert not dataset[5].mask.any()


def test_busbra_reads_cases_attributes_and_boxes(tmp_path: Path) -> None:
    dataset = open_dataset(write_busbra(tmp_path / "busbra"))
    assert dataset.kind == "busbra"
    assert [entry.case for entry in dataset.entries] == ["1", "1", "2"]
    assert [entry.label for entry in dataset.entries] == ["malignant", "malignant", "benign"]
    sample = dataset[0]
    assert sample.name == "BUS-BRA/Images/bus_0001-l.png"
    assert sample.attributes["device"] == "GE"
    assert sample.attributes["birads"] == "4"
    assert (sample.attributes["width"], sample.attributes["height"]) == ("60", "40")
    assert sample.boxes.tolist() == [[20, 10, 28, 18]]  # half-open, around the mask
    assert (sample.mask == square()).all()


def test_busbra_names_what_is_not_there(tmp_path: Path) -> None:
    root = write_busbra(tmp_path / "busbra")
    (root / "Images" / "bus_0001-l.png").unlink()
    write(root / "Images" / "bus_9999-l.png", grey())
    dataset = open_dataset(root)
    assert len(dataset) == 2
    assert dataset.left_out == (
        ("Images/bus_0001-l.png", "named in bus_data.csv, line 2, but not there"),
        ("Images/bus_9999-l.png", "not in bus_data.csv, so its label is not known"),
    )


def test_busbra_names_the_missing_column_and_the_bad_cell(tmp_path: Path) -> None:
    head = tuple(name for name in BUSBRA_HEAD if name != "Pathology")
    with pytest.raises(DataError, match=r"bus_data\.csv: no column 'Pathology'; its columns are ID, Case"):
        open_dataset(write_busbra(tmp_path / "a", head=head))
    root = write_busbra(tmp_path / "b")
    table = root / "bus_data.csv"
    table.write_text(table.read_text().replace("[21,11,7,7]", "[21,11,7]", 1))
    with pytest.raises(DataError, match=r"bus_data\.csv, line 2: BBOX '\[21,11,7\]' is not"):
        open_dataset(root)


def test_breast_usg_reads_centimetres_as_millimetres_and_only_the_tumour(tmp_path: Path) -> None:
    dataset = open_dataset(write_breast_usg(tmp_path / "b"), normals="class")
    assert dataset.kind == "breast-usg"
    assert [entry.case for entry in dataset.entries] == ["7", "8", "9"]
    assert dataset.entries[0].spacing == pytest.approx((0.07, 0.07))
    assert dataset.entries[1].spacing is None  # "not available"
    assert (dataset[0].mask == square()).all()
    assert (dataset[0].image == grey(seed=7)).all()
    assert not dataset[2].mask.any()
    assert dataset.entries[1].attributes == {"birads": "5"}
    assert dataset.left_out == ()  # the other outlines are known to the table


def test_breast_usg_names_what_is_not_there(tmp_path: Path) -> None:
    root = write_breast_usg(tmp_path / "b")
    folder = root / "BrEaST-Lesions_USG-images_and_masks"
    (folder / "case007_tumor.png").unlink()
    write(folder / "case099.png", grey())
    (folder / "case009.png").unlink()
    dataset = open_dataset(root)
    assert [entry.case for entry in dataset.entries] == ["8"]
    assert [file for file, _ in dataset.left_out] == [
        "case007.png",
        "case009.png",
        "BrEaST-Lesions_USG-images_and_masks/case099.png",
    ]
    assert (
        "case007_tumor.png is named in BrEaST-Lesions-USG-clinical-data.xlsx but not"
        in dataset.left_out[0].reason
    )


def test_breast_usg_names_the_missing_column_and_the_damaged_table(tmp_path: Path) -> None:
    head = tuple(name for name in BREAST_HEAD if name != "Pixel_size")
    with pytest.raises(DataError, match=r"\.xlsx: no column 'Pixel_size'; its columns are CaseID"):
        open_dataset(write_breast_usg(tmp_path / "a", head=head))
    root = write_breast_usg(tmp_path / "b")
    (root / "BrEaST-Lesions-USG-clinical-data.xlsx").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"clinical-data\.xlsx: not an XLSX that can be read"):
        open_dataset(root)


def test_a_folder_of_classes_with_both_places_for_masks(tmp_path: Path) -> None:
    dataset = open_dataset(write_folder(tmp_path / "mine"))
    assert dataset.kind == "folder"
    assert dataset.name == "mine"
    assert dataset.classes == ("benign", "phyllodes")
    assert [entry.file for entry in dataset.entries] == ["Benign/a.jpg", "Benign/b.png", "phyllodes/a.png"]
    assert [None if s.mask is None else int(s.mask.sum()) for s in dataset] == [None, 64, 16]


@pytest.mark.parametrize("image", ["malignant/x.png", "images/malignant/x.png", "malignant/images/x.png"])
@pytest.mark.parametrize(
    "mask", ["masks/malignant/x.png", "malignant/masks/x_mask.png", "malignant/x_mask_1.png"]
)
def test_images_and_masks_meet_wherever_their_folders_stand(tmp_path: Path, image: str, mask: str) -> None:
    write(tmp_path / image, grey())
    write(tmp_path / mask, square())
    (entry,) = open_dataset(tmp_path).entries
    assert entry.file == image
    assert entry.label == "malignant"
    assert entry.masks == (tmp_path / mask,)


def test_a_folder_names_masks_without_an_image_and_keeps_images_without_a_class(tmp_path: Path) -> None:
    write(tmp_path / "x.png", grey())
    write(tmp_path / "normal" / "y.png", grey(seed=1))
    write(tmp_path / "normal" / "z_mask.png", square())
    dataset = open_dataset(tmp_path, normals="class")
    assert [(entry.file, entry.label) for entry in dataset.entries] == [
        ("normal/y.png", "normal"),
        ("x.png", None),
    ]
    assert dataset.left_out == (("normal/z_mask.png", "a mask whose image is not there"),)
    assert not dataset[0].mask.any()
    assert dataset[1].mask is None
    assert dataset.describe().endswith("2 images (1 normal, 1 unlabelled), 1 file left out as unusable")


def test_samples_are_read_anew_and_alike(tmp_path: Path) -> None:
    dataset = open_dataset(write_busi(tmp_path / "busi"))
    assert np.array_equal(dataset[0].image, dataset[0].image)
    assert dataset[-1].file == "malignant/malignant (2).png"
    assert len(list(dataset)) == len(dataset) == 5
