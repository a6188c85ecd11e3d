"""A benchmark end to end: every case tested once, figures that the tables give, kills, shards, folds that fail."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import benchmark_nets
import numpy as np
import pyarrow.parquet as pq
import pytest
from benchmark_nets import Benchmarked
from click.testing import CliRunner
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from xaiaudit.benchmark_record import METRICS, PREDICTIONS, RUNS, BenchmarkRecord
from xaiaudit.benchmarking import benchmark, read_plan
from xaiaudit.cli import main
from xaiaudit.errors import UsageError
from xaiaudit.models import load
from xaiaudit.records import AuditRecord

SMALL = """
data = ["phantoms"]
folds = 2
[[model]]
arch = "small-cnn"
size = 64
channels = 1
epochs = 2
learning_rate = 3e-3
"""
AUDIT = '[audit]\nmethods = ["fgsm-single:epsilon=2/255"]\nlimit = 6\n'


def columns(out: Path, table: str = "predictions.parquet") -> dict[str, list]:
    return pq.read_table(out / table).to_pydict()


def tables(out: Path) -> list[dict[str, list]]:
    """Without how long it took."""
    found = [columns(out), columns(out, "runs.parquet")]
    del found[1]["seconds"]
    return found


def test_the_example_tests_every_case_once_and_writes_its_tables(example: Benchmarked) -> None:
    rows = columns(example.out)
    assert pq.read_schema(example.out / "predictions.parquet").equals(PREDICTIONS)
    for name in ("classifier", "multi-task"):
        own = [row for row, other in enumerate(rows["configuration"]) if other == name]
        assert len(own) == 60
        assert len({rows["case"][row] for row in own}) == 60
        assert {rows["fold"][row] for row in own} == {1, 2}
    runs = columns(example.out, "runs.parquet")
    assert list(runs)[: len(RUNS.names)] == RUNS.names
    assert runs["status"] == ["done"] * 4
    assert runs["dice"][:2] == [None, None]
    assert all(value is not None for value in runs["dice"][2:])
    assert {
        "flips_pgd",
        "robust_accuracy_pgd",
        "silent_shift_pgd_grad-cam",
        "mass_centre_pgd_grad-cam",
    } <= set(runs)
    assert json.loads(runs["settings"][0])["recipe"]["epochs"] == 2


def test_the_pooled_figures_are_those_of_the_tables(example: Benchmarked) -> None:
    rows = columns(example.out)
    for result in example.record.results:
        own = [row for row, name in enumerate(rows["configuration"]) if name == result.configuration]
        truth, decided = (
            np.array([rows[column][row] == "malignant" for row in own]) for column in ("label", "decision")
        )
        score, fold = (np.array([rows[column][row] for row in own]) for column in ("score", "fold"))
        areas = [roc_auc_score(truth[fold == k], score[fold == k]) for k in (1, 2)]
        metrics = {item.name: item for item in result.metrics}
        assert metrics["auc"].pooled.estimate == pytest.approx(np.mean(areas))
        assert metrics["auc"].folds == pytest.approx(areas)
        assert metrics["auc"].sd == pytest.approx(np.std(areas, ddof=1))
        assert metrics["balanced_accuracy"].pooled.estimate == pytest.approx(
            balanced_accuracy_score(truth, decided)
        )
        assert metrics["accuracy"].pooled.estimate == pytest.approx((truth == decided).mean())
        assert metrics["sensitivity"].pooled.estimate == pytest.approx(decided[truth].mean())
        assert metrics["specificity"].pooled.estimate == pytest.approx((~decided)[~truth].mean())
        assert metrics["f1"].pooled.estimate == pytest.approx(f1_score(truth, decided))
        dice = np.array([np.nan if rows["dice"][row] is None else rows["dice"][row] for row in own])
        if result.configuration == "multi-task":
            assert metrics["dice"].pooled.estimate == pytest.approx(np.nanmean(dice))
            assert metrics["jsi"].pooled.estimate == pytest.approx(np.nanmean(dice / (2 - dice)))
        else:
            assert "dice" not in metrics
        assert set(metrics) <= set(METRICS)


def test_robustness_stands_beside_accuracy_and_is_that_of_the_audits(example: Benchmarked) -> None:
    for result in example.record.results:
        (found,) = result.robustness
        folder = example.out / "runs" / "phantoms" / result.configuration
        audits = [
            AuditRecord.model_validate_json(
                (folder / f"repeat1-fold{fold}" / "audit" / "audit.json").read_bytes()
            )
            for fold in (1, 2)
        ]
        sound = [item.attacks[0] for item in audits if item.attacks[0].assessable]
        assert found.runs == len(sound)
        assert found.flips.estimate == pytest.approx(np.mean([item.flips.estimate for item in sound]))
        assert found.robust_accuracy.estimate == pytest.approx(
            np.mean([item.robust_accuracy.estimate for item in sound])
        )
        assert found.shifts[0].explainer_id == "grad-cam"
        maps = [
            next(m for m in item.maps if m.target == "same") for item in audits if item.attacks[0].assessable
        ]
        moved = sum(round(item.silent_shift.estimate * item.silent_shift.n) for item in maps)
        defined = sum(item.silent_shift.n for item in maps)
        assert found.shifts[0].silent_shift.estimate == pytest.approx(moved / defined)
    measures = {(item.measure, item.attack_id) for item in example.record.comparisons}
    assert {("auc", ""), ("balanced_accuracy", "")} <= measures
    assert all(item.p_holm >= item.p for item in example.record.comparisons)


def test_the_model_of_a_fold_never_saw_what_it_was_tested_on(example: Benchmarked) -> None:
    rows = columns(example.out)
    model = load(example.out / "runs" / "phantoms" / "multi-task" / "repeat1-fold2" / "model.pt")
    split = model.info.training["split"]
    tested = {
        rows["sha256"][row]
        for row in range(len(rows["fold"]))
        if rows["fold"][row] == 2 and rows["configuration"][row] == "multi-task"
    }
    assert tested == {item["sha256"] for item in split["test"]}
    assert not tested & {item["sha256"] for part in ("train", "validation") for item in split[part]}


def test_the_command_prints_a_table_and_keeps_what_is_done(example: Benchmarked) -> None:
    assert "configuration" in example.result.stdout
    assert "run 4 of 4, phantoms, multi-task, repeat 1, fold 2: AUC" in example.result.stderr
    before = {path: path.stat().st_mtime_ns for path in (example.out / "runs").rglob("*") if path.is_file()}
    words = ["benchmark", str(example.file), "--out", str(example.out), "--device", "cpu", "--json"]
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0, again.output
    assert again.stderr.count("kept: ") == 4
    record = BenchmarkRecord.model_validate_json(again.stdout)
    assert record.results == example.record.results
    assert before == {
        path: path.stat().st_mtime_ns for path in (example.out / "runs").rglob("*") if path.is_file()
    }


@pytest.fixture
def file(phantoms: Path, tmp_path: Path) -> Path:
    (tmp_path / "phantoms").symlink_to(phantoms)
    file = tmp_path / "small.toml"
    file.write_text(SMALL + AUDIT, encoding="utf-8")
    return file


def test_a_killed_benchmark_goes_on_and_ends_in_the_same_tables(file: Path, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    program = [
        sys.executable,
        benchmark_nets.__file__,
        str(file),
        str(killed),
        "3",
    ]  # in the first epoch of fold 2
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(program, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    folds = killed / "runs" / "phantoms" / "small-cnn"
    assert (folds / "repeat1-fold1" / "run.json").exists()
    assert not (folds / "repeat1-fold2" / "run.json").exists()
    assert not (killed / "runs.parquet").exists()
    first = benchmark(read_plan(file), killed, device="cpu")
    second = benchmark(read_plan(file), whole, device="cpu")
    assert tables(killed) == tables(whole)
    assert [item.metrics for item in first.results] == [item.metrics for item in second.results]
    assert [item.robustness for item in first.results] == [item.robustness for item in second.results]
    (folds / "repeat1-fold1" / "run.json").unlink()  # as if killed after its audit
    (folds / "repeat1-fold2" / "run.json").unlink()
    shutil.rmtree(folds / "repeat1-fold2" / "audit")  # or before
    benchmark(read_plan(file), killed, device="cpu")
    assert tables(killed) == tables(whole)


def test_shards_do_the_runs_and_a_call_without_them_the_tables(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = read_plan(file)
    assert benchmark(plan, out, shard=(2, 2), device="cpu") is None
    done = [path.parent.name for path in out.rglob("run.json")]
    assert done == ["repeat1-fold2"]
    assert not (out / "benchmark.json").exists()
    assert benchmark(plan, out, shard=(1, 2), device="cpu") is None
    told: list[str] = []
    record = benchmark(
        plan, out, device="cpu", on_run=lambda *words: told.append("kept" if words[3] else "begun")
    )
    assert told == ["kept", "kept"]
    assert record.results[0].done == 2


def test_an_audit_can_be_asked_for_later_and_other_settings_are_refused(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file.write_text(SMALL, encoding="utf-8")
    plain = benchmark(read_plan(file), out, device="cpu")
    assert plain.results[0].robustness == []
    model = out / "runs" / "phantoms" / "small-cnn" / "repeat1-fold1" / "model.pt"
    trained = model.stat().st_mtime_ns
    file.write_text(SMALL + AUDIT, encoding="utf-8")
    audited = benchmark(read_plan(file), out, device="cpu")
    (robustness,) = audited.results[0].robustness
    assert robustness.flips.n == 6 * robustness.runs
    assert robustness.runs + len(robustness.not_assessable) == 2
    assert audited.results[0].metrics == plain.results[0].metrics
    assert model.stat().st_mtime_ns == trained
    for changed, words in (
        (SMALL.replace("epochs = 2", "epochs = 3"), "other settings .recipe, epochs 2, now 3"),
        (SMALL.replace("folds = 2", "folds = 3"), "other settings .folds 2, now 3"),
        (SMALL + AUDIT.replace("limit = 6", "limit = 5"), "other settings .audit, limit 6, now 5"),
    ):
        file.write_text(changed, encoding="utf-8")
        with pytest.raises(UsageError, match=words):
            benchmark(read_plan(file), out, device="cpu")


def test_a_fold_that_diverges_is_named_and_in_no_figure(failing: Benchmarked) -> None:
    found = failing.record.result("phantoms", "fragile")
    assert (found.planned, found.done) == (2, 1)
    (stopped,) = found.stopped
    assert stopped.status == "diverged"
    assert stopped.run == "phantoms, fragile, repeat 1, fold 2"
    assert "became nan in epoch 1" in stopped.reason
    (metric,) = (item for item in found.metrics if item.name == "accuracy")
    assert metric.pooled.n == 30
    assert len(metric.folds) == 1
    assert metric.sd is None
    runs = columns(failing.out, "runs.parquet")
    row = next(k for k in range(6) if (runs["configuration"][k], runs["fold"][k]) == ("fragile", 2))
    assert runs["status"][row] == "diverged"
    assert all(runs[name][row] is None for name in METRICS)
    assert not list(failing.out.rglob("*.training"))
    compared = [item for item in failing.record.comparisons if item.configuration == "fragile"]
    assert compared
    assert {item.runs for item in compared if item.measure != "flips"} <= {1}
    assert len(columns(failing.out)["fold"]) == 60 + 30 + 60


def test_a_model_that_does_not_decide_gets_no_flip_rate(failing: Benchmarked) -> None:
    found = failing.record.result("phantoms", "constant")
    (robustness,) = found.robustness
    assert robustness.runs == 0
    assert len(robustness.not_assessable) == 2
    assert robustness.flips.estimate is None
    assert robustness.robust_accuracy is None
    assert robustness.shifts[0].mass_centre.median is None
    assert found.metric("auc").pooled.estimate == 0.5
    assert not [
        item for item in failing.record.comparisons if item.configuration == "constant" and item.attack_id
    ]
