"""An audit as a run of MLflow, in a real local store."""

import json
import math
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import example_verdict
import pytest
from click.testing import CliRunner, Result

from xaiaudit.audit_files import read_record
from xaiaudit.cli import main
from xaiaudit.cli.mlflow import QUIET
from xaiaudit.records import AuditRecord
from xaiaudit.reports.tracking.statistics import part, statistics


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return read_record(folder)


def test_every_interval_of_the_record_has_a_name(record: AuditRecord, folder: Path) -> None:
    named = statistics(record)
    audit = json.loads((folder / "audit.json").read_bytes())
    expected = [
        value
        for interval in intervals(audit)
        for value in (interval["estimate"], interval["low"], interval["high"])
        if value is not None
    ]
    written = list(named.values())
    assert len(expected) > 1000
    assert not [value for value in expected if value not in written]


def intervals(node: Any) -> list[dict[str, Any]]:
    """Of audit.json as it lies there, but those of a silent shift where no decision stood: the example has none."""
    if isinstance(node, dict):
        own = [node] if {"estimate", "low", "high"} <= node.keys() else []
        return own + [found for value in node.values() for found in intervals(value)]
    return [found for value in node for found in intervals(value)] if isinstance(node, list) else []


def test_names_say_attack_explainer_and_bound(record: AuditRecord) -> None:
    named = statistics(record)
    fgsm = record.attacks[0]
    point = next(p for p in fgsm.curve if p.epsilon == 1 / 255)
    moved = next(m for m in record.maps if (m.attack_id, m.explainer_id, m.target) == ("pgd", "cam", "same"))
    assert named["audit/attacks/fgsm/flips"] == fgsm.flips.estimate
    assert named["audit/attacks/fgsm/flips_low"] == fgsm.flips.low
    assert named["audit/attacks/fgsm/flips_high"] == fgsm.flips.high
    assert named["audit/attacks/fgsm/curve/1_grey_levels/flips"] == point.flips.estimate
    assert named["audit/maps/pgd/cam/same/silent_shift"] == moved.silent_shift.estimate
    assert named["audit/maps/pgd/cam/same/shift/ssim/median"] == moved.shift["ssim"].median
    assert named["audit/clean/auc_high"] == record.clean.auc.high  # type: ignore[union-attr]
    assert named["audit/left_out"] == 1
    assert named["audit/leak"] == 0
    assert all(map(math.isfinite, named.values()))


def test_what_says_nothing_has_no_name(record: AuditRecord) -> None:
    constant = record.attacks[0].model_copy(update={"assessable": False, "why_not": "it decides one way"})
    none = record.maps[0].silent_shift.model_copy(update={"estimate": None, "n": 0})
    maps = [m.model_copy(update={"silent_shift_unflipped": none}) for m in record.maps]
    leak = record.leak.model_copy(update={"assessed": False, "reason": "nothing is recorded"})
    attacks = [constant, *record.attacks[1:]]
    named = statistics(record.model_copy(update={"attacks": attacks, "maps": maps, "leak": leak}))
    mine = {
        name.removeprefix("audit/attacks/fgsm/") for name in named if name.startswith("audit/attacks/fgsm/")
    }
    assert mine == {
        "failed",
        *(f"{norm}/median{end}" for norm in ("linf", "l2") for end in ("", "_low", "_high")),
    }
    of_groups = {name for name in named if name.startswith("audit/subgroups/") and "/attacks/" in name}
    assert any("/pgd/flips" in name for name in of_groups)
    assert not any("/fgsm/flips" in name or "/fgsm/robust" in name for name in of_groups)
    assert not [name for name in named if "silent_shift" in name and "/maps/" in name]
    assert "audit/leak" not in named


def test_no_silent_shift_is_told_of_a_subgroup_whose_decisions_all_flipped(record: AuditRecord) -> None:
    group = next(item for item in record.subgroups if item.attacks and item.attacks[0].flips.estimate != 1)
    attack = group.attacks[0]
    all_flipped = attack.model_copy(update={"flips": attack.flips.model_copy(update={"estimate": 1.0})})
    told = (
        f"audit/subgroups/{part(group.attribute)}/{part(group.value)}/attacks/{attack.attack_id}/silent_shift"
    )
    for state, said in ((attack, True), (all_flipped, False)):
        groups = [group.model_copy(update={"attacks": [state]})]
        named = statistics(record.model_copy(update={"subgroups": groups}))
        assert any(name.startswith(told) for name in named) is said


def test_attacks_whose_names_differ_only_in_what_mlflow_refuses(record: AuditRecord) -> None:
    first, second, third = record.attacks
    odd = [first.model_copy(update={"id": "art:A(1)"}), second.model_copy(update={"id": "art:A[1]"}), third]
    named = statistics(record.model_copy(update={"attacks": odd}))
    assert named["audit/attacks/art_A_1_/0/flips"] == first.flips.estimate
    assert named["audit/attacks/art_A_1_/1/linf/median"] == second.linf.median
    assert named["audit/attacks/deepfool/flips"] == third.flips.estimate


@pytest.mark.parametrize(
    ("text", "expected"), [("..", "_"), ("a/b", "a_b"), ("é:", "__"), ("x" * 99, "x" * 60)]
)
def test_parts_of_names(text: str, expected: str) -> None:
    assert part(text) == expected


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of a real store."""
    pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'xaiaudit[mlflow]'")
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow puts files of a local store under the folder it is called from; and no test tells its makers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def small(record: AuditRecord) -> AuditRecord:
    """With few statistics, as a store takes a second for a thousand."""
    less = {"variability": None, "hit_relations": [], "abstention": [], "maps": record.maps[:1]}
    return record.model_copy(update=less | {"attacks": record.attacks[:1]})


@pytest.fixture
def audit(small: AuditRecord, tmp_path: Path) -> Path:
    """With a verdict and a report beside it."""
    copied = tmp_path / "audit"
    copied.mkdir()
    (copied / "audit.json").write_text(small.model_dump_json())
    judged = example_verdict.verdict(copied, example_verdict.mixed())
    (copied / "gate.json").write_text(judged.model_dump_json())
    (copied / "junit.xml").write_text("<testsuites/>")
    (copied / "report.pdf").write_bytes(b"%PDF-1.7")
    return copied


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["mlflow", *map(str, words)])


def logged(store: str, run: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store).get_run(run)


def rows(store: str, query: str) -> list[tuple[Any, ...]]:
    """The database itself, past MLflow."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as database:
        return database.execute(query).fetchall()


def test_a_run_holds_the_audit(audit: Path, store: str, small: AuditRecord) -> None:
    done = call(audit, "--tracking-uri", store, "--experiment", "BUS", "--run-name", "first")
    assert done.exit_code == 0, done.output
    run = done.stdout.split()[-1]
    held = dict(rows(store, f"select key, value from latest_metrics where run_uuid = '{run}'"))
    assert held == statistics(small)
    parameters = dict(rows(store, f"select key, value from params where run_uuid = '{run}'"))
    assert parameters["audit/checkpoint_sha256"] == small.checkpoint.sha256
    assert parameters["audit/attacks/fgsm"] == small.attacks[0].summary
    tags = dict(rows(store, f"select key, value from tags where run_uuid = '{run}'"))
    assert tags["xaiaudit.verdict"] == "failed"
    assert tags["xaiaudit.policy_sha256"] == "ab" * 32
    assert tags["xaiaudit.leak"] == "none found"
    ((name, status, uri),) = rows(
        store, f"select name, status, artifact_uri from runs where run_uuid = '{run}'"
    )
    assert (name, status) == ("first", "FINISHED")
    files = {path.name: path.read_bytes() for path in Path(uri, "xaiaudit").iterdir()}
    wanted = ("audit.json", "gate.json", "junit.xml", "report.pdf")
    assert files == {name: (audit / name).read_bytes() for name in wanted}


def test_a_run_that_is_there_is_added_to_and_refuses_another_audit(
    audit: Path, store: str, small: AuditRecord
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store)
    run = client.create_run("0", run_name="training").info.run_id
    client.log_param(run, "seed", 5)
    for _ in range(2):  # the same audit again changes nothing
        assert call(audit, "--tracking-uri", store, "--run-id", run).stdout == f"Run: {run}\n"
    held = logged(store, run)
    assert held.info.status == "RUNNING"  # it is not ours to end
    assert held.data.params["seed"] == "5"
    assert held.data.metrics == statistics(small)
    changed = small.model_copy(update={"seed": 6})
    (audit / "audit.json").write_text(changed.model_dump_json())
    refused = call(audit, "--tracking-uri", store, "--run-id", run)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Error: MLflow" in refused.output.splitlines()[-1]
    assert logged(store, run).data.tags["xaiaudit.verdict"] == "failed"


def test_a_verdict_of_another_audit_is_not_logged(audit: Path, store: str) -> None:
    stale = example_verdict.verdict(audit, example_verdict.mixed(), audit_sha256="0" * 64)
    (audit / "gate.json").write_text(stale.model_dump_json())
    run = call(audit, "--tracking-uri", store).stdout.split()[-1]
    held = logged(store, run)
    assert held.data.tags["xaiaudit.verdict"].startswith("verdict of another audit")
    assert held.info.run_name == "model.pt"
    assert {p.name for p in Path(held.info.artifact_uri, "xaiaudit").iterdir()} == {
        "audit.json",
        "report.pdf",
    }


def test_without_mlflow_one_line_names_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = call(folder)
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "pip install 'xaiaudit[mlflow]'" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["--tracking-uri", "http://127.0.0.1:9"],
        ["--tracking-uri", "nonsense://store"],
        ["--tracking-uri", "sqlite:///a-file/mlflow.db"],
        ["--tracking-uri", "sqlite:///a-file"],
        ["--tracking-uri", "postgresql://127.0.0.1:1/none"],
        ["--run-id", "none"],
        ["--run-id", "a", "--run-name", "b"],
    ],
)
def test_a_store_or_run_that_is_not_there_is_one_line(words: list[str], folder: Path, store: str) -> None:
    Path("a-file").write_text("no database, but a text of more than a hundred characters" * 3)
    done = call(folder, *words, *(["--tracking-uri", store] if words[1] == "none" else []))
    lines = [line for line in done.output.splitlines() if "INFO" not in line]
    assert done.exit_code == 2, done.output
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")


def test_a_server_that_never_answers_is_given_up(
    folder: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert int(QUIET["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 30  # seconds; tried three times
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = call(folder, "--tracking-uri", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "timed out" in done.output
