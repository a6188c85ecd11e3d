"""The data check: each defect made by hand is found under its name, and all that are known of real images."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from xaiaudit.data.check import check
from xaiaudit.data.findings import Findings
from xaiaudit.data.opening import open_dataset
from xaiaudit.types import GreyImage


def scan(seed: int, shape: tuple[int, int] = (60, 80)) -> GreyImage:
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 5)
    return np.clip(100 + 400 * noise, 5, 200).astype(np.uint8)


def disc(shape: tuple[int, int] = (60, 80), radius: float = 12.0) -> GreyImage:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.where(np.hypot(rows - 30, columns - 40) < radius, 255, 0).astype(np.uint8)


class Folder:
    """A manifest that a test writes row by row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def add(self, name: str, image: np.ndarray, mask: np.ndarray | None = None, **cells: str) -> None:
        Image.fromarray(image).save(self.path / f"{name}.png")
        row = {"image": f"{name}.png", "label": "benign", "case": name, "spacing_mm": "0.1"}
        if mask is not None:
            Image.fromarray(mask).save(self.path / f"{name}_mask.png")
            row["mask"] = f"{name}_mask.png"
        self.rows.append(row | cells)

    def check(self, splits: Mapping[str, list[str]] | None = None) -> Findings:
        with (self.path / "manifest.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, sorted({column for row in self.rows for column in row}))
            writer.writeheader()
            writer.writerows(self.rows)
        return check(open_dataset(self.path, normals="class"), splits=splits)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def found(findings: Findings) -> dict[str, list[tuple[str, ...]]]:
    return {finding.kind: [item.files for item in finding.items] for finding in findings.findings}


def detail(findings: Findings, kind: str) -> str:
    return next(finding for finding in findings.findings if finding.kind == kind).items[0].detail


def test_a_clean_folder_has_no_findings(folder: Folder) -> None:
    for k in range(4):
        folder.add(f"b{k}", scan(k), disc(), label="benign" if k % 2 else "malignant")
    findings = folder.check()
    assert findings.ok
    assert findings.findings == ()
    assert findings.labels == {"benign": 2, "malignant": 2}
    assert (findings.images, findings.cases, findings.with_mask, findings.with_spacing) == (4, 4, 4, 4)
    assert findings.lines() == [
        f"{folder.path.name} (manifest, all): 4 images (2 benign, 2 malignant), 4 cases, 4 with a mask, "
        "4 with spacing",
        "0 kinds of errors, 0 notes",
    ]


def test_a_truncated_image_is_an_error_that_names_it(folder: Folder) -> None:
    folder.add("good", scan(0), disc())
    folder.add("bad", scan(1), disc())
    file = folder.path / "bad.png"
    file.write_bytes(file.read_bytes()[:400])
    findings = folder.check()
    assert found(findings) == {"unreadable": [("bad.png",)]}
    assert "damaged or truncated" in detail(findings, "unreadable")
    assert not findings.ok


def test_an_image_that_is_not_there_is_an_error(folder: Folder) -> None:
    folder.add("good", scan(0), disc())
    folder.rows.append({"image": "gone.png", "label": "benign"})
    assert found(folder.check())["left-out"] == [("gone.png",)]


def test_masks_that_do_not_fit_are_empty_are_missing_or_contradict_the_label(folder: Folder) -> None:
    folder.add("size", scan(0), disc((50, 80)))
    folder.add("empty", scan(1), disc(radius=0))
    folder.add("none", scan(2))
    folder.add("normal", scan(3), disc(radius=0), label="normal")
    folder.add("outlined", scan(4), disc(), label="normal")
    folder.add("tiny", scan(5), disc(radius=0.9))
    findings = folder.check()
    assert found(findings) == {
        "mask-unusable": [("size.png",)],
        "empty-mask": [("empty.png",)],
        "normal-with-lesion": [("outlined.png",)],
        "empty-mask-normal": [("normal.png",)],
        "no-mask": [("none.png",)],
        "tiny-lesion": [("tiny.png",)],
    }
    assert "80 x 50" in detail(findings, "mask-unusable")
    assert detail(findings, "empty-mask") == "labelled benign"
    assert [finding.severity for finding in findings.findings] == ["error"] * 3 + ["note"] * 3


def test_table_and_boxes_are_compared_with_image_and_mask(folder: Folder) -> None:
    folder.add("right", scan(0), disc(), width="80", height="60", box="28,18,53,43")
    folder.add("loose", scan(1), disc(), box="25,15,56,46")
    folder.add("height", scan(2), disc(), width="80", height="62")
    folder.add("outside", scan(3), disc(), box="28,18,81,43")
    folder.add("off", scan(4), disc(), box="0,0,40,43")
    findings = folder.check()
    assert found(findings) == {
        "table-size": [("height.png",)],
        "box-outside": [("outside.png",)],
        "box-off-mask": [("outside.png",), ("off.png",)],
    }
    assert detail(findings, "table-size") == "height 62 in the table, 60 in the image"


def test_duplicates_are_told_apart_by_kind_and_class(folder: Folder) -> None:
    faint = (scan(2) * 0.7).astype(np.uint8)
    folder.add("a", scan(0), disc())
    folder.add("a-again", scan(0), disc())
    folder.add("b", scan(1), disc())
    folder.add("b-malignant", scan(1), disc(), label="malignant")
    folder.add("c", scan(2), disc())
    folder.add("c-faint", faint, disc())
    folder.add("d", scan(3), disc())
    folder.add("d-noisy", (0.8 * scan(3) + 0.2 * scan(9)).astype(np.uint8), disc())
    findings = folder.check()
    assert found(findings) == {
        "exact-duplicates-across-classes": [("b.png", "b-malignant.png")],
        "near-duplicates-across-classes": [("b.png", "b-malignant.png")],
        "exact-duplicates": [("a.png", "a-again.png")],
        "near-duplicates": [("a.png", "a-again.png"), ("c.png", "c-faint.png")],
        "same-scan": [("d.png", "d-noisy.png")],
    }


def test_flat_images_are_equal_only_when_their_pixels_are(folder: Folder) -> None:
    for k, level in enumerate((0, 0, 9)):
        folder.add(f"f{k}", np.full((60, 80), level, dtype=np.uint8), disc())
    assert found(folder.check()) == {
        "exact-duplicates": [("f0.png", "f1.png")],
        "near-duplicates": [("f0.png", "f1.png")],
    }


def test_an_unlabelled_duplicate_contradicts_no_label(folder: Folder) -> None:
    folder.add("a", scan(0), disc())
    folder.add("b", scan(0), disc(), label="")
    findings = folder.check()
    assert findings.ok
    assert found(findings)["unlabelled"] == [("b.png",)]


def test_the_manifests_split_is_checked_by_image_case_and_scan(folder: Folder) -> None:
    folder.add("a", scan(0), disc(), case="1", split="train")
    folder.add("b", scan(1), disc(), case="1", split="test")
    folder.add("c", scan(2), disc(), case="2", split="train")
    folder.add("d", (scan(2) * 0.9).astype(np.uint8), disc(), case="3", split="validation")
    folder.add("e", scan(3), disc(), case="4", split="test")
    findings = folder.check()
    assert found(findings)["case-in-two-splits"] == [("a.png", "b.png")]
    assert found(findings)["scan-in-two-splits"] == [("c.png", "d.png")]
    assert detail(findings, "scan-in-two-splits") == "in train and validation"
    assert "image-in-two-splits" not in found(findings)
    assert not findings.ok


def test_a_split_handed_in_takes_the_place_of_the_manifests(folder: Folder) -> None:
    folder.add("a", scan(0), disc(), split="train")
    folder.add("b", scan(1), disc(), split="train")
    name = folder.path.name
    findings = folder.check(splits={"train": ["a.png", f"{name}/b.png"], "test": ["b.png", "z.png"]})
    assert found(findings) == {"image-in-two-splits": [("b.png",)], "split-of-others": [("z.png",)]}


def test_colour_modes_and_overlays_are_notes(folder: Folder) -> None:
    colour = np.repeat(scan(0)[..., None], 3, axis=2)
    colour[5:9, 5:9] = (250, 60, 0)
    clear = np.dstack([scan(1), scan(1), scan(1), np.full((60, 80), 255, dtype=np.uint8)])
    clear[:3, :, 3] = 0
    folder.add("colour", colour, disc())
    folder.add("clear", clear, np.repeat(disc()[..., None], 3, axis=2))
    findings = folder.check()
    assert findings.ok
    assert found(findings) == {
        "not-grey": [("colour.png",), ("clear.png",)],
        "mask-mode": [("clear.png",)],
        "transparent": [("clear.png",)],
        "coloured": [("colour.png",)],
    }
    assert detail(findings, "transparent") == "240 pixels"


def test_joined_datasets_name_the_dataset_and_find_its_images_in_the_other(tmp_path: Path) -> None:
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        folder = Folder(tmp_path / name)
        folder.add("a", scan(0), disc(), case="1")
        folder.add("b", scan(1 if name == "left" else 2), disc(), case="2")
        folder.check()
    joined = check(open_dataset([tmp_path / "left", tmp_path / "right"]))
    assert found(joined)["exact-duplicates"] == [("left/a.png", "right/a.png")]
    assert joined.cases == 4


def test_lines_shorten_long_lists_and_json_holds_all(folder: Folder) -> None:
    for k in range(5):
        folder.add(f"n{k}", scan(k))
    findings = folder.check()
    assert findings.lines(most=2)[1:] == [
        "note: images without a mask file: 5",
        "    n0.png: labelled benign",
        "    n1.png: labelled benign",
        "    and 3 more",
        "0 kinds of errors, 1 notes",
    ]
    whole = json.loads(json.dumps(findings.as_dict()))
    assert whole["ok"] is True
    assert len(whole["findings"][0]["items"]) == 5


@pytest.fixture(scope="module")
def busi(test_data: Path) -> Findings:
    return check(open_dataset(test_data / "busi", normals="class"))


def busi_names(*names: str) -> tuple[str, ...]:
    return tuple(f"{name.split()[0]}/{name}.png" for name in names)


def test_busi_defects_are_found_by_name(busi: Findings) -> None:
    kinds = found(busi)
    assert not busi.ok
    assert kinds["exact-duplicates-across-classes"] == [busi_names("benign (433)", "malignant (145)")]
    across = kinds["near-duplicates-across-classes"]
    assert busi_names("benign (42)", "benign (131)", "malignant (51)") in across
    assert busi_names("benign (399)", "malignant (93)") in across
    assert any(set(busi_names("benign (85)", "malignant (52)")) <= set(group) for group in across)
    assert 95 <= len(across) + len(kinds["near-duplicates"]) <= 110
    assert {"no-case-ids", "no-spacing"} <= set(kinds)
    assert len(kinds["empty-mask-normal"]) == 133
    assert len(kinds["several-masks"]) == 17
    assert "empty-mask" not in kinds
    assert "unreadable" not in kinds
    writing, calipers = ({name for (name,) in kinds[kind]} for kind in ("writing", "calipers"))
    assert (
        set(busi_names("benign (1)", "benign (199)", "malignant (110)")) <= writing
    )  # LEFT BREAST, RT AXILLA
    assert set(busi_names("malignant (111)", "benign (231)", "malignant (125)")) <= calipers
    assert not {name for name in calipers if name.startswith("normal")}
    coloured = {name for (name,) in kinds["coloured"]}
    assert set(busi_names("benign (255)", "malignant (196)", "benign (69)")) <= coloured
    assert len(coloured) < 20


def test_busbra_defects_are_found_by_name(test_data: Path) -> None:
    findings = check(open_dataset(test_data / "busbra", normals="class"))
    kinds = found(findings)
    here = {entry.stem for entry in (test_data / "busbra" / "Images").glob("*.png")}
    wrong = [f"bus_{name}" for name in ("0856-l", "0857-r", "0912-l", "0990-l") if f"bus_{name}" in here]
    assert wrong
    assert kinds["table-size"] == [(f"Images/{name}.png",) for name in wrong]
    assert kinds["box-off-mask"] == [("Images/bus_0845-s.png",)]
    assert {finding.kind for finding in findings.findings if finding.severity == "error"} == {
        "table-size",
        "box-off-mask",
    }


def test_breast_usg_peculiarities_are_found_by_name(test_data: Path) -> None:
    findings = check(open_dataset(test_data / "breast_usg", normals="class"))
    kinds = found(findings)
    assert findings.ok
    assert len(kinds["not-grey"]) == 60
    assert detail(findings, "not-grey") == "mode RGBA"
    assert [name.split("/")[1] for (name,) in kinds["no-mask"]] == ["case061.png"]
    assert detail(findings, "no-mask") == "labelled normal"
    assert findings.with_spacing == 60
    assert "no-spacing" not in kinds
    assert "writing" not in kinds
    assert "calipers" not in kinds
