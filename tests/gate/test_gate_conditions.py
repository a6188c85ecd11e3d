"""What is asked of every audit, whatever its policy says."""

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from judged_audits import finding, made, policy
from PIL import Image

from xaiaudit.audit_files import read_record
from xaiaudit.data import open_dataset
from xaiaudit.data.opening import Normals
from xaiaudit.gate.conditions import settings
from xaiaudit.gate.judging import judged
from xaiaudit.gate_record import Status
from xaiaudit.records import DatasetRecord, LeakRecord, LeftOutRecord, RegionCoverage

AUC = 'metric = "auc"\nmin = 0.1'


@pytest.mark.parametrize(
    ("leak", "status"),
    [
        (LeakRecord(assessed=True, reason="", exact=[], near=[]), "passed"),
        (LeakRecord(assessed=True, reason="", exact=["0.png"], near=[]), "failed"),
        (LeakRecord(assessed=True, reason="", exact=[], near=[], same_case=["0.png"]), "failed"),
        (LeakRecord(assessed=False, reason="no hashes", exact=[], near=[]), "not assessed"),
    ],
)
def test_a_leak_fails_and_an_unknown_one_does_not_pass(
    tmp_path: Path, leak: LeakRecord, status: Status
) -> None:
    verdict = judged(made(changes={"leak": leak}), policy(tmp_path, AUC), None)
    assert (finding(verdict, "leak").status, verdict.verdict) == (status, status)


def test_a_policy_may_do_without_the_leak_check_and_the_verdict_says_so(tmp_path: Path) -> None:
    leak = LeakRecord(assessed=False, reason="no hashes", exact=[], near=[])
    read = policy(tmp_path, AUC, gate="min_cases = 1\nrequire_leak_check = false")
    verdict = judged(made(changes={"leak": leak}), read, None)
    assert verdict.verdict == "passed"
    assert "leak not assessed: no hashes" in verdict.notes
    leak = LeakRecord(assessed=True, reason="", exact=["0.png"], near=[])
    assert judged(made(changes={"leak": leak}), read, None).verdict == "failed"


def test_files_left_out_are_held_to_their_limit(tmp_path: Path) -> None:
    left = [LeftOutRecord(file=f"{number}.png", reason="cut off") for number in range(10)]
    audited = made(40, changes={"left_out": left})  # 10 of 50
    for limit, status in ((0.19, "failed"), (0.2, "passed")):
        read = policy(tmp_path, AUC, gate=f"min_cases = 1\nmax_left_out = {limit}")
        found = finding(judged(audited, read, None), "left-out")
        assert (found.status, found.estimate, found.images) == (status, 0.2, 50)
    assert "10 of 50 files" in found.words
    assert "0.png, 1.png, 2.png ..." in found.words


def test_calibration_is_asked_for_only_where_the_policy_does(tmp_path: Path) -> None:
    read = policy(tmp_path, AUC, gate="min_cases = 1\nrequire_calibration = true")
    counts = {(40, 0): "passed", (39, 1): "failed", (0, 0): "not assessed"}
    for (calibrated, relative), status in counts.items():
        regions = RegionCoverage(ring_mm=5.0, calibrated=calibrated, relative=relative, without_lesion=0)
        verdict = judged(made(changes={"regions": regions}), read, None)
        assert finding(verdict, "calibration").status == status
    plain = judged(made(changes={"regions": regions}), policy(tmp_path, AUC), None)
    assert "calibration" not in {item.id for item in plain.findings}


def test_an_audit_with_other_settings_than_asked_does_not_pass(tmp_path: Path) -> None:
    verdict = judged(made(), policy(tmp_path, AUC, audit="ring_mm = 4.0\nseed = 3"), None)
    found = finding(verdict, "settings")
    assert (found.status, verdict.verdict) == ("not assessed", "not assessed")
    assert "ring_mm 5.0, not 4.0, seed 0, not 3" in found.words


def dataset(path: str, selection: str = "all", *, normals: int = 0) -> DatasetRecord:
    return DatasetRecord(name="made", path=path, kind="folder", citation="", selection=selection, images=40, cases=40,
                         labels={"benign": 40} | ({"normal": normals} if normals else {}),
                         with_mask=0, with_spacing=0)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "made_of", "words"),
    [
        ("", {"limit": 30}, "limit 30, not all images"),
        ("limit = 40", {"limit": 30}, "limit 30, not 40"),
        ("limit = 30", {"limit": 30}, ""),
        ("limit = 30", {}, ""),  # all there were
        ('data = ["images/hard"]', {"datasets": [dataset("/else/easy")]}, "data /else/easy, not images/hard"),
        ('data = ["images/hard"]', {"datasets": [dataset("/mnt/hard/BUSI")]}, ""),
        ('data = ["hard", "easy"]', {"datasets": [dataset("easy")]}, "data easy, not hard, easy"),
        ('data = ["hard"]', {"datasets": [dataset("hard"), dataset("easy")]}, "data hard, easy, not hard"),
        ("", {"datasets": [dataset("any")]}, ""),
        ("", {"datasets": [dataset("any", "validation split of the checkpoint, seed 0")]},
         "split validation, not test"),
        ("", {"datasets": [dataset("any", "test split of the checkpoint, seed 0")]}, ""),
        ('data = ["any"]\nsplit = "test"', {"datasets": [dataset("any")]}, "split all, not test"),
        ('data = ["any"]', {"datasets": [dataset("any", "test split of the checkpoint, seed 0")]},
         "split test, not all"),
        ('data = ["any"]\ndataset = "busi"', {"datasets": [dataset("any")]}, "dataset folder, not busi"),
        ('data = ["any"]\ndataset = "folder"', {"datasets": [dataset("any")]}, ""),
        ('data = ["any"]\nnormals = "leave-out"', {"datasets": [dataset("any", "9 normals count as benign")]},
         "normals benign, not leave-out"),
        ('data = ["any"]\nnormals = "benign"', {"datasets": [dataset("any", "split; 1 normal left out")]},
         "normals leave-out, not benign"),
        ('data = ["any"]\nnormals = "benign"', {"datasets": [dataset("any", normals=3)]}, "normals class, not benign"),
        ('data = ["any"]\nnormals = "class"', {"datasets": [dataset("any", "1 normal counts as benign")]},
         "normals benign, not class"),
        ('data = ["any"]\nnormals = "benign"', {"datasets": [dataset("any", "9 normals count as benign"),
                                                                   dataset("any")]}, ""),
        ("", {"datasets": [dataset("any", "9 normals count as benign")]}, ""),
    ],
)  # fmt: skip
def test_an_audit_of_other_images_than_asked_does_not_pass(
    tmp_path: Path, asked: str, made_of: dict[str, Any], words: str
) -> None:
    found = finding(judged(made(changes=made_of), policy(tmp_path, AUC, audit=asked), None), "settings")
    assert found.status == ("not assessed" if words else "passed")
    assert words in found.words


@pytest.mark.parametrize("normals", ["leave-out", "benign", "class"])
def test_what_became_of_normals_is_known_of_a_real_dataset(tmp_path: Path, normals: Normals) -> None:
    for name in ("benign", "malignant", "normal"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
    opened = open_dataset(tmp_path, kind="folder", normals=normals)
    labels = Counter(entry.label or "" for entry in opened.entries)
    record = dataset("any", opened.selection).model_copy(update={"labels": dict(labels)})
    for asked in get_args(Normals):
        read = policy(tmp_path, AUC, audit=f'data = ["any"]\nnormals = "{asked}"')
        found = finding(judged(made(changes={"datasets": [record]}), read, None), "settings")
        assert found.status == ("passed" if asked == normals else "not assessed"), found.words


def test_the_split_of_a_real_audit_is_known(audit_folder: Path, tmp_path: Path) -> None:
    record = read_record(audit_folder)
    for split, words in (
        ("test", ""),
        ("validation", "split test, not validation"),
        ("all", "split test, not all"),
    ):
        asked = policy(tmp_path, AUC, audit=f'split = "{split}"')
        found = settings(record, asked.policy.audit, tmp_path)
        assert words in found.words
        assert found.status == ("not assessed" if words else "passed")


def test_an_audit_without_the_self_checks_that_are_asked_for_does_not_pass(tmp_path: Path) -> None:
    for asked, status in (("", "not assessed"), ("checks = false", "passed")):
        verdict = judged(made(changes={"checks": []}), policy(tmp_path, AUC, audit=asked), None)
        assert finding(verdict, "settings").status == status
        assert any(note.startswith("no self-checks were made") for note in verdict.notes)


def test_what_is_not_judged_is_noted(tmp_path: Path) -> None:
    audited = made(attacks={"fgsm": {"epsilon": 1 / 255}}, changes={"search": ["a", "b"], "warnings": ["w"]})
    notes = judged(audited, policy(tmp_path, AUC), None).notes
    assert "fgsm is not judged: no finding asks about it as it was made" in notes
    assert "maps of grad-cam are not judged: no finding asks about them" in notes
    assert "parts of the audit were searched on machines that differ: a; b" in notes
    assert "the audit gave 1 warning, which its report tells" in notes
