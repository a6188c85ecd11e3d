"""The manifest: every cell, and a line for every fault in one."""

from pathlib import Path

import pytest
from data_layouts import SHAPE, grey, square, write, write_manifest

from xaiaudit.data import open_dataset
from xaiaudit.errors import DataError

HEAD = "image,mask,label,case,spacing_mm,box"


def _files(root: Path) -> Path:
    for number in range(3):
        write(root / "scans" / f"{number}.png", grey(seed=number))
    write(root / "m0.png", square())
    write(root / "m1.png", square(left=40))
    return root


def test_every_column_is_read(tmp_path: Path) -> None:
    root = _files(tmp_path / "mine")
    rows = [
        f"\ufeff{HEAD},device",
        'scans/0.png,m0.png; m1.png,Malignant,p1,0.1,"20,10,28,18; 40,10,48,18",GE',
        "scans/1.png,,benign,p1,0.1x0.08,,",
        "scans/2.png,,normal,,,,",
    ]
    dataset = open_dataset(write_manifest(root, "\r\n".join(rows)), normals="class")
    assert (dataset.kind, dataset.name) == ("manifest", "mine")
    assert dataset.classes == ("benign", "malignant", "normal")
    first, second, third = dataset
    assert (first.mask == square() | square(left=40)).all()
    assert first.boxes.tolist() == [[20, 10, 28, 18], [40, 10, 48, 18]]
    assert first.spacing == (0.1, 0.1)
    assert first.attributes == {"device": "GE"}
    assert first.name == "mine/scans/0.png"
    assert second.spacing == (0.1, 0.08)
    assert (second.mask, second.boxes, second.case) == (None, None, "p1")
    assert third.mask.shape == SHAPE
    assert not third.mask.any()
    assert third.case is None


def test_only_the_image_is_needed(tmp_path: Path) -> None:
    root = _files(tmp_path)
    (root / "list.csv").write_text("image\nscans/0.png\n")
    dataset = open_dataset(root / "list.csv")
    assert dataset.name == "list"
    assert (dataset.entries[0].label, dataset.classes) == (None, ())
    assert dataset[0].mask is None


def test_a_missing_image_is_named_and_a_missing_mask_is_found_when_read(tmp_path: Path) -> None:
    path = write_manifest(_files(tmp_path), "image,mask\nscans/0.png,none.png\nscans/9.png,\n")
    dataset = open_dataset(path)
    assert dataset.left_out == (("scans/9.png", "named in manifest.csv, line 3, but not there"),)
    with pytest.raises(DataError, match=r"none\.png: no such file"):
        dataset[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("picture,label\na.png,benign\n", r"no column 'image'; its columns are picture, label"),
        ("", r"no column 'image'; its columns are none"),
        ("image,label\n,benign\n", r"line 2: no image is named"),
        ("image\nscans/0.png\nscans/1.png\nscans/0.png\n", r"line 4: scans/0\.png was named in line 2"),
        ("image,spacing_mm\nscans/0.png,0.1mm\n", r"line 2: spacing_mm '0\.1mm' is not millimetres a pixel"),
        ("image,spacing_mm\nscans/0.png,0\n", r"spacing_mm '0'"),
        ("image,spacing_mm\nscans/0.png,nan\n", r"spacing_mm 'nan'"),
        ("image,spacing_mm\nscans/0.png,0.1x0.1x0.1\n", r"spacing_mm '0\.1x0\.1x0\.1'"),
        ('image,box\nscans/0.png,"1,2,3"\n', r"line 2: box '1,2,3' is not x0,y0,x1,y1"),
        ('image,box\nscans/0.png,"5,0,5,9"\n', r"box '5,0,5,9'"),
        ("image,box\nscans/0.png,1,2,3,4\n", r"line 2: more cells than columns"),
        ('image\n"scans/0.png\n', r"not a CSV table"),
    ],
)
def test_a_fault_in_the_table_is_one_line_that_names_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        open_dataset(write_manifest(_files(tmp_path), text))
    assert "manifest.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("image\nbrüste.png\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"manifest\.csv: not a text file in UTF-8"):
        open_dataset(tmp_path)
