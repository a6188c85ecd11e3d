"""INbreast in small: masses, classes, cases, spacing and crop, and what is left out and why."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from data_layouts import (
    BREAST,
    INBREAST_HEAD,
    MAMMOGRAM,
    MASS,
    SECOND_MASS,
    mammogram,
    write_dicom,
    write_inbreast,
    write_osirix,
    write_xlsx,
)

from xaiaudit.data import open_dataset, prepare, read_samples
from xaiaudit.data.check import check
from xaiaudit.errors import DataError, InstallationError
from xaiaudit.types import Preprocessing


def test_every_mass_is_a_sample_of_its_patient(tmp_path: Path) -> None:
    dataset = open_dataset(write_inbreast(tmp_path / "INbreast Release 1.0"))
    assert (dataset.kind, dataset.name, dataset.left_out) == ("inbreast", "INbreast", ())
    a, b = "6c613a14b80a8591", "5530d5782fc89dd7"
    assert [(entry.file, entry.case, entry.label) for entry in dataset.entries] == [
        (f"AllDICOMs/20586908_{a}_MG_R_CC_ANON.dcm (mass 1 of 2)", a, "malignant"),
        (f"AllDICOMs/20586908_{a}_MG_R_CC_ANON.dcm (mass 2 of 2)", a, "malignant"),
        (f"AllDICOMs/20586960_{a}_MG_R_ML_ANON.dcm", a, "malignant"),
        (f"AllDICOMs/22580244_{b}_MG_L_CC_ANON.dcm", b, "benign"),
    ]
    assert dataset[2].attributes == {"birads": "4a", "acr": "3", "view": "MLO", "laterality": "R"}
    assert dataset.describe() == (
        "INbreast, 4 images (1 benign, 3 malignant), 1 normal left out; one sample a mass; 1 image without a mass and "
        "4 outlines of other findings are no samples"
    )


def test_a_sample_is_cropped_to_the_breast_and_can_be_taken_back(tmp_path: Path) -> None:
    samples, _ = read_samples(open_dataset(write_inbreast(tmp_path)))
    first, second = samples[:2]
    assert first.source_shape == MAMMOGRAM
    assert first.image.shape == (100, 60)  # the rectangle of the breast, without the marker
    levels = mammogram(20586908)[BREAST]
    assert (first.image == np.rint(levels / 16383 * 255)).all()
    # columns 20 to 33 and rows 30 to 41 of the file; the breast begins in row 10
    by_hand = np.zeros((100, 60), bool)
    by_hand[20:32, 20:34] = True
    assert (first.mask == by_hand).all()
    by_hand = np.zeros((100, 60), bool)
    by_hand[60:70, 40:50] = True
    assert (second.mask == by_hand).all()
    assert (second.image == first.image).all()
    assert first.spacing == pytest.approx((0.07, 0.07))
    assert (first.affine @ (20, 30, 1)).tolist() == [20, 20]
    small = prepare(first, Preprocessing(size=50, mode="pad"))
    assert small.affine @ (0, 10, 1) == pytest.approx((10, 0))  # 60 x 100 becomes 30 x 50 in the middle
    assert small.spacing == pytest.approx((0.14, 0.14))


def test_a_normal_has_an_empty_mask_and_no_boxes(tmp_path: Path) -> None:
    dataset = open_dataset(write_inbreast(tmp_path), normals="class")
    assert dataset.classes == ("benign", "malignant", "normal")
    normal = dataset[[entry.label for entry in dataset.entries].index("normal")]
    assert not normal.mask.any()


@pytest.mark.parametrize(
    ("birads", "label"),
    [
        *((birads, "benign") for birads in ("2", "3")),
        *((birads, "malignant") for birads in ("4", "4A", "4b", "4c", "5", "6")),
        *((birads, None) for birads in ("1", "0", "", "7")),
    ],
)
def test_the_classes_of_birads(tmp_path: Path, birads: str, label: str | None) -> None:
    root = write_inbreast(tmp_path)
    table = root / "INbreast.csv"
    table.write_text(table.read_text().replace("22580244;2;2", f"22580244;2;{birads}"))
    dataset = open_dataset(root)
    labels = [entry.label for entry in dataset.entries if "22580244" in entry.file]
    assert labels == ([label] if label else [])
    reasons = [reason for file, reason in dataset.left_out if "22580244" in file]
    wanted = f"1 outline named Mass, but BI-RADS {birads!r} in INbreast.csv, which is neither 2 or 3 (benign)"
    assert [reason.startswith(wanted) for reason in reasons] == ([] if label else [True])


def test_what_does_not_belong_together_is_left_out_and_named(tmp_path: Path) -> None:
    root = write_inbreast(tmp_path)
    images, outlines = root / "AllDICOMs", root / "AllXML"
    patient = "5530d5782fc89dd7"
    with (root / "INbreast.csv").open("a", encoding="utf-8") as table:
        table.write("removed;removed;L;CC;201001;30000001;2;3\nremoved;removed;L;CC;201001;30000002;2;3\n")
        table.write("removed;removed;L;CC;201001;30000003;2;3\n")
    write_dicom(images / f"30000002_{patient}_MG_L_CC_ANON.dcm", mammogram())  # no outlines
    write_dicom(images / f"30000003_{patient}_MG_L_CC_ANON.dcm", mammogram())
    write_osirix(outlines / "30000003.xml", ("Mass", MASS[:2]))
    write_dicom(images / f"30000004_{patient}_MG_L_CC_ANON.dcm", mammogram())  # no row
    write_dicom(images / "mine.dcm", mammogram())
    write_osirix(outlines / "30000005.xml", ("Mass", MASS))  # no image, no row
    (images / f"22580244_{patient}_MG_L_CC_ANON (1).dcm").write_bytes(b"")
    (images / f"20586960_{patient}_MG_R_CC_ANON.dcm").write_bytes(b"")
    dataset = open_dataset(root)
    assert [entry.file.split("_")[0] for entry in dataset.entries] == ["AllDICOMs/20586908"] * 2 + [
        "AllDICOMs/22580244"
    ]
    assert {
        file.removeprefix("AllDICOMs/").split("_")[0] + file[-9:]: reason for file, reason in dataset.left_out
    } == {
        "20586960_ANON.dcm": "2 files have its number 20586960",
        "22580244N (1).dcm": "not named NUMBER_PATIENT_MG_L_CC_ANON.dcm, so its patient is not known",
        "30000001/30000001": "named in INbreast.csv but not there",
        "30000002_ANON.dcm": "AllXML/30000002.xml is not there, so it is not known whether it shows a mass",
        "30000003_ANON.dcm": "a mass outlined by 2 points, which hold nothing",
        "30000004_ANON.dcm": "not in INbreast.csv, so its BI-RADS is not known",
        "mine.dcm/mine.dcm": "not named NUMBER_PATIENT_MG_L_CC_ANON.dcm, so its patient is not known",
        "AllXML/30000005.xml00005.xml": "outlines whose image is not there",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no plist", "ExpatError"),
        ("<plist><dict/></plist>", "KeyError: 'Images'"),
        ("(20.000000, 30.000000)|20, 30", "'20, 30' is not a point"),
        ("<integer>4</integer>|<integer>5</integer>", "4 points where 5 are told"),
    ],
)
def test_damaged_outlines_leave_their_image_out(tmp_path: Path, text: str, reason: str) -> None:
    root = write_inbreast(tmp_path)
    xml = root / "AllXML" / "22580244.xml"
    old, bar, new = text.partition("|")
    xml.write_text(xml.read_text().replace(old, new, 1) if bar else text)
    dataset = open_dataset(root)
    assert len(dataset) == 3
    ((file, why),) = dataset.left_out
    assert file == "AllDICOMs/22580244_5530d5782fc89dd7_MG_L_CC_ANON.dcm"
    assert why.startswith("AllXML/22580244.xml: not outlines as OsiriX exports them (")
    assert reason in why


def test_a_mass_beside_the_breast_is_left_out_and_one_over_its_edge_is_cut(tmp_path: Path) -> None:
    root = write_inbreast(tmp_path)
    over = ((20.0, 5.0), (29.0, 5.0), (29.0, 104.0), (20.0, 104.0))  # 5 of its 100 rows lie above the breast
    write_osirix(root / "AllXML" / "22580244.xml", ("mass ", over))
    write_osirix(root / "AllXML" / "20586960.xml", ("Mass", tuple((x + 45, y) for x, y in SECOND_MASS)))
    samples, left_out = read_samples(open_dataset(root))
    assert int(samples[-1].mask.sum()) == 950
    assert not samples[-1].mask[95:].any()
    assert [reason for _, reason in left_out] == [
        "100 % of the mass lies outside the breast that was found, in rows 10 to 110 and columns 0 to 60; mend the "
        "outline"
    ]


def test_tables_in_other_formats(tmp_path: Path) -> None:
    root = write_inbreast(tmp_path)
    table = root / "INbreast.csv"
    rows = list(csv.reader(table.read_text().splitlines(), delimiter=";"))
    names = [entry.file for entry in open_dataset(root).entries]
    table.write_text("\n".join(",".join(row) for row in rows))
    assert [entry.file for entry in open_dataset(root).entries] == names
    table.unlink()
    numbers = [[int(cell) if cell.isdigit() else cell or None for cell in row] for row in rows]
    write_xlsx(root / "INbreast.xlsx", [tuple(row) for row in numbers])
    assert [entry.file for entry in open_dataset(root).entries] == names
    (root / "INbreast.xlsx").rename(root / "INbreast.xls")
    with pytest.raises(DataError, match=r"INbreast\.xls: the old format of Excel is not read; save it as"):
        open_dataset(root)


def test_a_table_without_a_column_or_with_an_image_twice_is_refused(tmp_path: Path) -> None:
    root = write_inbreast(tmp_path)
    table = root / "INbreast.csv"
    text = table.read_text()
    table.write_text(text.replace("Bi-Rads", "Score"))
    with pytest.raises(DataError, match=r"INbreast\.csv: no column 'Bi-Rads'; its columns are Patient ID"):
        open_dataset(root)
    table.write_text(f"{text}removed;removed;L;CC;201001;22580244;2;3\n")
    with pytest.raises(DataError, match=r"INbreast\.csv, line 8: image 22580244 was named already"):
        open_dataset(root)
    assert text.startswith(INBREAST_HEAD)


def test_a_folder_above_names_the_release(tmp_path: Path) -> None:
    write_inbreast(tmp_path / "INbreast Release 1.0")
    with pytest.raises(DataError, match=r"a folder of datasets, INbreast Release 1\.0 \(inbreast\)"):
        open_dataset(tmp_path)


def test_joined_with_another_and_checked(tmp_path: Path) -> None:
    root = write_inbreast(tmp_path / "a")
    report = check(open_dataset(root, normals="class"))
    assert {finding.kind for finding in report.findings if finding.severity == "error"} == set()
    again = tmp_path / "b"
    write_inbreast(again)
    both, left_out = read_samples(open_dataset([root, again]))
    assert not left_out
    assert [int(sample.mask.sum()) for sample in both] == [168, 100, 100, 168] * 2


def test_without_pydicom_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_inbreast(tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(
        InstallationError, match=r"needs pydicom .*install it with: pip install 'xaiaudit\[dicom\]'"
    ):
        open_dataset(root)
