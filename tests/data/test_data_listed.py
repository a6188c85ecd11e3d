"""UDIAT, BUSIS, HMSS and Thammasat: a folder of images beside a table; and the 250 images of Rodrigues."""

from importlib import import_module
from pathlib import Path

import pytest
from data_layouts import (
    BUSIS_ROWS,
    HMSS_HEAD,
    WRITERS,
    grey,
    square,
    write,
    write_busis,
    write_hmss,
    write_rodrigues,
    write_table,
    write_thammasat,
    write_udiat,
    write_xlsx,
)

from xaiaudit.data import DATASETS, open_dataset, read_samples, split_dataset
from xaiaudit.data.check import check
from xaiaudit.errors import DataError


@pytest.mark.parametrize("images", ["original", "imgs"])
def test_udiat_reads_class_diagnosis_and_mask(tmp_path: Path, images: str) -> None:
    dataset = open_dataset(write_udiat(tmp_path / "BUS", images=images))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("udiat", "UDIAT", ())
    assert "JBHI.2017.2731873" in dataset.citation
    assert [entry.file for entry in dataset.entries] == [f"{images}/{n:06}.png" for n in (1, 2, 13)]
    assert [entry.label for entry in dataset.entries] == ["benign", "malignant", "benign"]
    sample = dataset[2]
    assert (sample.image == grey(seed=13)).all()
    assert (sample.mask == square(left=13)).all()
    assert sample.attributes == {"diagnosis": "FA"}
    assert (sample.case, sample.spacing, sample.boxes) == (None, None, None)


def test_udiat_names_what_fits_nothing_and_keeps_an_image_without_its_mask(tmp_path: Path) -> None:
    root = write_udiat(tmp_path / "BUS")
    (root / "GT" / "000001.png").unlink()
    (root / "original" / "000002.png").unlink()
    write(root / "original" / "000099.png", grey())
    write(root / "GT" / "000100.png", square())
    (root / "original" / "Thumbs.db").write_text("")
    dataset = open_dataset(root)
    assert [entry.file for entry in dataset.entries] == ["original/000001.png", "original/000013.png"]
    assert dataset[0].mask is None  # no outline is known, which is not: no lesion
    assert dataset.left_out == (
        ("2", "named in DatasetB.xlsx, line 3, but not there"),
        ("original/000099.png", "not in DatasetB.xlsx, so its label is not known"),
        ("GT/000002.png", "a mask whose image is not there"),
        ("GT/000100.png", "a mask whose image is not there"),
    )


def test_a_mask_of_another_size_is_found_and_its_image_left_out_by_name(tmp_path: Path) -> None:
    root = write_udiat(tmp_path / "BUS")
    write(root / "GT" / "000002.png", square((20, 60)))
    dataset = open_dataset(root)
    samples, left_out = read_samples(dataset)
    assert [sample.label for sample in samples] == ["benign", "benign"]
    assert [file for file, _ in left_out] == ["original/000002.png"]
    assert "the mask is 60 x 20 pixels and its image 60 x 40" in left_out[0].reason
    errors = [finding for finding in check(dataset).findings if finding.severity == "error"]
    assert [item.files for finding in errors for item in finding.items] == [("original/000002.png",)]


def test_all_masks_of_one_image_are_united_and_other_formats_are_read(tmp_path: Path) -> None:
    root = write_udiat(tmp_path / "BUS")
    write(root / "GT" / "1.tif", square(left=40))
    write(root / "original" / "000013.BMP", grey(seed=5))
    (root / "original" / "000013.png").unlink()
    dataset = open_dataset(root)
    assert (dataset[0].mask == square(left=1) | square(left=40)).all()
    assert dataset[2].file == "original/000013.BMP"
    assert (dataset[2].mask == square(left=13)).all()


def test_busis_finds_images_and_masks_by_their_numbers(tmp_path: Path) -> None:
    dataset = open_dataset(write_busis(tmp_path / "BUSIS"))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("busis", "BUSIS", ())
    assert [entry.file for entry in dataset.entries] == [f"Original/case{n}.bmp" for n in (1, 2, 10)]
    assert [entry.label for entry in dataset.entries] == ["benign", "malignant", "benign"]
    assert (dataset[2].mask == square(left=10)).all()
    assert (dataset[2].image == grey(seed=10)).all()
    assert [entry.case for entry in dataset.entries] == [None] * 3
    assert dataset.entries[0].attributes == {"ground truth name": "case0001_GT"}


def test_busis_as_the_benchmark_arranges_it(tmp_path: Path) -> None:
    root = write_busis(tmp_path / "BUSIS", images="imgs")
    (root / "BUSIS562.csv").unlink()
    write_xlsx(root / "BUSIS.xlsx", BUSIS_ROWS)
    dataset = open_dataset(root)
    assert [(entry.file, entry.label) for entry in dataset.entries] == [
        ("imgs/case1.bmp", "benign"),
        ("imgs/case2.bmp", "malignant"),
        ("imgs/case10.bmp", "benign"),
    ]


def test_hmss_reads_cases_and_keeps_them_together(tmp_path: Path) -> None:
    dataset = open_dataset(write_hmss(tmp_path / "HMSS"))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("hmss", "HMSS", ())
    assert [entry.case for entry in dataset.entries] == ["27573", "27573", "28001"]
    assert [entry.label for entry in dataset.entries] == ["benign", "benign", "malignant"]
    assert dataset[0].mask is None
    assert dataset[2].attributes == {
        "group": "2.3 Malignant lesions",
        "case description": "Carcinoma",
        "crop r1": "28",
        "notes": "calipers",
    }


def test_splits_of_hmss_do_not_part_a_case(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [("img name", "case id/cover img id", "tumor type")]
    for number in range(24):
        write(tmp_path / "imgs" / f"{number}.png", grey(seed=number))
        rows.append((f"{number}.png", number // 2, "BM"[number // 2 % 2]))
    write_table(tmp_path / "HMSS.csv", rows)
    dataset = open_dataset(tmp_path)
    split = split_dataset(dataset, list(dataset), seed=0)
    parts = [{dataset.entries[i].case for i in part} for part in (split.train, split.validation, split.test)]
    assert [len(part) > 0 for part in parts] == [True] * 3
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12


def test_names_of_hmss_count_as_they_stand(tmp_path: Path) -> None:
    for name in ("a01.jpg", "a1.jpg", "b.png", "b.jpg", "c.2.jpg"):
        write(tmp_path / "imgs" / name, grey())
    rows: list[tuple[object, ...]] = [("img name", "case id/cover img id", "tumor type")]
    rows += [("a1", 1, "M"), ("b", 2, "B"), ("c.2", 3, "Malignant")]
    write_table(tmp_path / "HMSS.csv", rows)
    dataset = open_dataset(tmp_path)
    assert [entry.file for entry in dataset.entries] == ["imgs/a1.jpg", "imgs/c.2.jpg"]
    assert dataset.left_out == (
        ("b", "named in HMSS.csv, line 3, but fits b.jpg, b.png alike"),
        ("imgs/a01.jpg", "not in HMSS.csv, so its label is not known"),
    )
    rows[2] = ("b.png", 2, "B")
    write_table(tmp_path / "HMSS.csv", rows)
    assert [entry.file for entry in open_dataset(tmp_path).entries] == [
        "imgs/a1.jpg",
        "imgs/b.png",
        "imgs/c.2.jpg",
    ]


def test_thammasat_reads_classes_and_no_more(tmp_path: Path) -> None:
    dataset = open_dataset(write_thammasat(tmp_path / "Thammasat"))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("thammasat", "Thammasat", ())
    assert [entry.label for entry in dataset.entries] == ["benign", "malignant", "malignant"]
    assert dataset[0].mask is None
    assert dataset.entries[0].case is None


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (
            [("name", "tumor type")],
            r"Thammasat\.csv: no column 'img name'; its columns are name, tumor type; re",
        ),
        (
            [("img name", "tumor type"), ("th01", "1")],
            r"line 2: tumor type '1' is neither benign \(B\) nor mal",
        ),
        (
            [("img name", "tumor type"), ("th01", "B"), ("th01.png", "M")],
            r"line 3: th01\.png was named in line 2 already; keep one of them",
        ),
        (
            [("img name", "tumor type"), ("th09", "B")],
            r"no images in it that can be used; th09: named in Tham",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_said_in_one_line(
    tmp_path: Path, rows: list[tuple[object, ...]], error: str
) -> None:
    root = write_thammasat(tmp_path / "Thammasat")
    write_table(root / "Thammasat.csv", rows)
    with pytest.raises(DataError, match=error) as caught:
        open_dataset(root)
    assert "\n" not in str(caught.value)


def test_hmss_without_its_cases_is_refused(tmp_path: Path) -> None:
    head = tuple(name for name in HMSS_HEAD if name != "case id/cover img id")
    with pytest.raises(
        DataError, match=r"no column 'case id/cover img id'; its columns are group, case desc"
    ):
        open_dataset(write_hmss(tmp_path, head=head))


def test_an_image_of_hmss_without_a_case_is_left_out_by_name(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        write(tmp_path / "imgs" / name, grey())
    rows = [("img name", "case id/cover img id", "tumor type"), ("a", 1, "M"), ("b", "", "B")]
    write_table(tmp_path / "HMSS.csv", rows)
    dataset = open_dataset(tmp_path)
    assert [entry.case for entry in dataset.entries] == ["1"]
    reason = "no case id/cover img id in HMSS.csv, line 3, so a split could part its case"
    assert dataset.left_out == (("b", reason),)


def test_an_image_without_a_class_is_unlabelled(tmp_path: Path) -> None:
    root = write_thammasat(tmp_path / "Thammasat")
    write_table(root / "Thammasat.csv", [("img name", "tumor type"), ("th01", ""), ("th02", " m ")])
    assert [entry.label for entry in open_dataset(root).entries] == [None, "malignant"]


@pytest.mark.parametrize(
    ("kind", "folder", "error"),
    [
        ("udiat", "original", "UDIAT has a folder original or imgs; it is not here"),
        ("udiat", "GT", "UDIAT has a folder GT; it is not here"),
        ("busis", "GT", "BUSIS has a folder GT; it is not here"),
        ("hmss", "imgs", "HMSS has a folder imgs; it is not here"),
        ("rodrigues", "originals/malignant", "folder malignant is not here, so unpack the archive again"),
    ],
)
def test_a_folder_that_is_not_there_is_named_and_nothing_is_taken_for_a_class(
    tmp_path: Path, kind: str, folder: str, error: str
) -> None:
    root = WRITERS[kind](tmp_path / "data")
    (root / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=error):
        open_dataset(root)


def test_rodrigues_reads_the_class_folders(tmp_path: Path) -> None:
    dataset = open_dataset(write_rodrigues(tmp_path / "us-dataset"))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("rodrigues", "Rodrigues", ())
    assert "wmy84gzngw" in dataset.citation
    assert [entry.label for entry in dataset.entries] == ["benign"] * 2 + ["malignant"] * 3
    assert dataset[4].name == "Rodrigues/originals/malignant/us3.bmp"
    assert dataset[4].source_shape == (33, 50)
    assert (dataset[4].mask, dataset[4].case, dataset[4].spacing) == (None, None, None)


def test_rodrigues_with_an_empty_class_and_an_odd_suffix(tmp_path: Path) -> None:
    root = write_rodrigues(tmp_path / "us-dataset")
    for file in (root / "originals" / "malignant").iterdir():
        file.unlink()
    write(root / "originals" / "benign" / "us3.png", grey())
    write(root / "originals" / "benign" / "us4.BMP", grey())
    (root / "originals" / "benign" / "Thumbs.db").write_text("")
    dataset = open_dataset(root)
    assert dataset.describe() == "Rodrigues, 4 images (4 benign)"
    assert dataset.classes == ("benign",)


@pytest.mark.parametrize("kind", DATASETS)
def test_no_kind_takes_the_files_of_another(tmp_path: Path, kind: str) -> None:
    root = WRITERS[kind](tmp_path / "data")
    takers = [
        other
        for other, target in DATASETS.items()
        if import_module(target.partition(":")[0]).recognises(root)
    ]
    assert takers == [kind] if kind == "folder" else takers == [kind, "folder"]


def test_the_folder_above_is_not_taken_for_a_folder_of_classes(tmp_path: Path) -> None:
    write_busis(tmp_path / "all" / "BUSIS")
    write_hmss(tmp_path / "all" / "HMSS")
    with pytest.raises(DataError, match=r"a folder of datasets, BUSIS \(busis\), HMSS \(hmss\); name one"):
        open_dataset(tmp_path / "all")


def test_a_manifest_beside_a_table_has_the_last_word(tmp_path: Path) -> None:
    root = write_thammasat(tmp_path / "Thammasat")
    (root / "manifest.csv").write_text("image,label,case\nimgs/th01.png,benign,7\n", encoding="utf-8")
    dataset = open_dataset(root)
    assert dataset.kind == "manifest"
    assert [entry.case for entry in dataset.entries] == ["7"]


@pytest.mark.parametrize("kind", DATASETS)
def test_the_documentation_has_a_row_for_every_kind(kind: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "datasets.md"
    assert f"\n| `{kind}` |" in page.read_text(encoding="utf-8")
