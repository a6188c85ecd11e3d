"""The quick gate: one limit for the flip rates of an audit, from its rows."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest

from xaiaudit.cli import main
from xaiaudit.errors import AuditError, UsageError
from xaiaudit.gate.quick import judge_flips
from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.metrics.power import detectable_rise, passing_rate
from xaiaudit.reports import write_html


def of_flips(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.metric == "flip-rate"]


def test_the_bound_is_one_sided_95_percent_of_the_rows(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    for finding in of_flips(judge_flips(folder, 0.3)):
        flipped = [
            row["flipped"]
            for row in rows
            if row["attack_id"] == finding.attack_id and not row["curve"] and not row["quantised"]
        ]  # one image a case
        bounds = binomtest(sum(flipped), len(flipped), alternative="less").proportion_ci(method="exact")
        assert finding.estimate == np.mean(flipped)
        assert finding.bound == pytest.approx(bounds.high, abs=1e-9)
        assert finding.status == ("passed" if bounds.high <= 0.3 else "failed")


def test_a_finding_says_what_so_many_cases_can_show(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    command = ["gate", str(folder), "--max-flip-rate", "0.4"]
    said, written = CliRunner().invoke(main, command), CliRunner().invoke(main, [*command, "--json"])
    findings = [item for item in json.loads(written.output)["findings"] if item["kind"] == "requirement"]
    assert {finding["attack_id"] for finding in findings} == {"fgsm", "pgd"}
    for finding in findings:
        sample = finding["sample"]
        assert sample["rate"] == finding["estimate"]
        assert sample["smallest_rise"] == detectable_rise(sample["rate"], sample["effective"])
        assert sample["passes_up_to"] == passing_rate(0.4, sample["effective"], sample["cases"])
        assert sample["words"] in said.output


def test_a_finding_names_the_radius_in_the_unit_of_the_norm(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    record = json.loads((folder / "audit.json").read_text())
    one, other = (attack for attack in record["attacks"] if attack["id"] in ("fgsm", "pgd"))
    for norm, epsilons, words in (
        (
            "linf",
            (1 / 255, 0.1),
            ("% under fgsm within 1 grey level ", "% under pgd within 25.5 grey levels "),
        ),
        ("l2", (3.0, None), ("% under fgsm within an L2 radius of 3 ", "% under pgd before ")),
    ):
        for attack, epsilon in zip((one, other), epsilons, strict=True):
            attack |= {"norm": norm, "epsilon": epsilon}
        (folder / "audit.json").write_text(json.dumps(record))
        said = [finding.words for finding in of_flips(judge_flips(folder, 1.0, [one["id"], other["id"]]))]
        written = json.loads((folder / "gate.json").read_text())["findings"]
        assert [finding["words"] for finding in written if finding["metric"] == "flip-rate"] == said
        for text, wanted in zip(said, words, strict=True):
            assert wanted in text
            assert "before rounding to 8 bits" in text
    assert "within" not in said[1]


def test_what_cannot_be_assessed_does_not_pass(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    record = json.loads((folder / "audit.json").read_text())
    for attack in record["attacks"]:
        attack |= {"assessable": False, "why_not": "one decision"}
    (folder / "audit.json").write_text(json.dumps(record))
    verdict = judge_flips(folder, 1.0)
    assert verdict.verdict == "not assessed"
    assert all(finding.words.endswith(": one decision") for finding in of_flips(verdict))
    assert [finding.sample for finding in of_flips(verdict)] == [None, None]


def test_an_audit_without_its_tables_is_named_in_one_line(audit_folder: Path, tmp_path: Path) -> None:
    shutil.copy(audit_folder / "audit.json", tmp_path)
    with pytest.raises(AuditError, match=r"predictions.parquet is missing") as caught:
        judge_flips(tmp_path, 0.3)
    assert "\n" not in str(caught.value)
    (tmp_path / "predictions.parquet").write_bytes(b"no table")
    with pytest.raises(
        AuditError, match=r"predictions.parquet is not the table that audit.json was computed from"
    ):
        judge_flips(tmp_path, 0.3)
    record = json.loads((tmp_path / "audit.json").read_text()) | {"tables": {}}  # as of older versions
    (tmp_path / "audit.json").write_text(json.dumps(record))
    with pytest.raises(AuditError, match=r"predictions.parquet cannot be read"):
        judge_flips(tmp_path, 0.3)


@pytest.mark.parametrize("limit", ["nan", "1.5", "-0.1"])
def test_a_limit_that_is_no_share_judges_nothing(audit_folder: Path, tmp_path: Path, limit: str) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    (folder / "gate.json").unlink(missing_ok=True)
    result = CliRunner().invoke(main, ["gate", str(folder), f"--max-flip-rate={limit}"])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not (folder / "gate.json").exists()


def test_an_unknown_attack_is_named_with_those_there_are(audit_folder: Path) -> None:
    with pytest.raises(UsageError, match="no attack 'pgd-9'; it has fgsm, pgd, deepfool"):
        judge_flips(audit_folder, 0.3, ["pgd-9"])


def test_an_audit_on_training_images_does_not_pass(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    record = json.loads((folder / "audit.json").read_text())
    record["leak"]["exact"] = [record["gallery"][0]["image"]]
    (folder / "audit.json").write_text(json.dumps(record))
    verdict = judge_flips(folder, 1.0)
    assert verdict.verdict == "failed"
    assert [finding.metric for finding in verdict.findings if finding.status == "failed"] == ["leak"]


def test_attacks_without_a_radius_are_judged_only_by_name(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    verdict = judge_flips(folder, 1.0)
    assert {finding.attack_id for finding in of_flips(verdict)} == {"fgsm", "pgd"}
    assert "deepfool is not judged: it has no radius" in verdict.notes
    assert [finding.attack_id for finding in of_flips(judge_flips(folder, 1.0, ["deepfool"]))] == ["deepfool"]


@pytest.mark.parametrize(
    ("attack_id", "judged"), [("fgsm", {"fgsm"}), (None, {"fgsm", "pgd"}), ("deepfool", set())]
)
def test_few_flips_under_an_attack_that_fails_its_own_checks_do_not_pass(
    audit_folder: Path, tmp_path: Path, attack_id: str | None, judged: set[str]
) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    record = json.loads((folder / "audit.json").read_text())
    name = "gradients find more than noise"
    record["checks"] = [
        {"attack_id": attack_id, "name": name, "status": "failed", "words": "as seen", "figures": {}},
        {"attack_id": "pgd", "name": "success rises", "status": "not assessable", "words": "", "figures": {}},
    ]
    (folder / "audit.json").write_text(json.dumps(record))
    for limit, otherwise in ((1.0, "passed"), (0.0, "failed")):
        for finding in of_flips(judge_flips(folder, limit)):
            caught = otherwise == "passed" and finding.attack_id in judged
            assert finding.status == ("not assessed" if caught else otherwise)
            assert (name in finding.words) == caught


def test_flips_under_an_attack_that_was_after_something_else_do_not_pass(
    audit_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder)
    record = json.loads((folder / "audit.json").read_text())
    other = {"criterion_name": "lower-dice", "criterion": "the Dice score falls below 0.5"}
    record["attacks"][0] |= other
    (folder / "audit.json").write_text(json.dumps(record))
    verdict = judge_flips(folder, 1.0)
    assert {finding.attack_id for finding in of_flips(verdict)} == {"pgd"}
    assert "fgsm is not judged: its goal is another, the Dice score falls below 0.5" in verdict.notes
    assert judge_flips(folder, 1.0, ["fgsm"]).verdict == "not assessed"
    assert judge_flips(folder, 0.0, ["fgsm"]).verdict == "failed"  # flips that were found are real
    for attack in record["attacks"]:
        attack |= other
    (folder / "audit.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"made to leave the clean decision.*; add an attack that is"):
        judge_flips(folder, 1.0)


def test_a_report_that_is_there_tells_the_new_verdict(audit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audit_folder, folder, ignore=shutil.ignore_patterns("report.*", "gate.json"))
    page = write_html(folder)
    assert "Verdict: no policy" in page.read_text(encoding="utf-8")
    done = CliRunner().invoke(main, ["gate", str(folder), "--max-flip-rate", "0"])
    assert done.exit_code == 1
    assert f"Renewed: {page}" in done.stderr
    assert "Verdict: failed" in page.read_text(encoding="utf-8")
    assert not (folder / "report.pdf").exists()  # nobody asked for it
    shutil.rmtree(folder / "images")
    done = CliRunner().invoke(main, ["gate", str(folder), "--max-flip-rate", "1"])
    assert "Warning: a report in" in done.stderr
    assert done.exit_code == 0  # the verdict stands
