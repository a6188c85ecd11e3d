"""A policy from its first line to the audit that it asks for."""

import json
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel

from xaiaudit.cli import main
from xaiaudit.cli import policy as cli_policy
from xaiaudit.gate.faults import TABLES
from xaiaudit.gate.metrics import METRICS
from xaiaudit.records import AuditRecord
from xaiaudit.reports import pdf
from xaiaudit.reports.reading import Audit

POLICY = """\
[audit]
attacks = ["fgsm:epsilon=2/255,steps=2"]
explainers = ["cam"]
acquisition = []
seed = 3
limit = 6
curve = false
checks = false
{}
[[finding]]
metric = "auc"
min = 0.6
"""


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def policy(folder: Path, more: str = "") -> Path:
    path = folder / "policy.toml"
    path.write_text(POLICY.format(more))
    return path


def record(folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((folder / "audit.json").read_bytes())


def test_a_policy_is_written_once_and_says_what_comes_next(tmp_path: Path) -> None:
    out = tmp_path / "xaiaudit.toml"
    first = call("init", "--out", out)
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines()[0] == f"Policy: {out}"
    assert f"xaiaudit attack MODEL --policy {out}" in first.stdout
    again = call("init", "--out", out)
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr.startswith("Error: ")
    assert again.stderr.count("\n") == 1
    assert call("init", "--out", out, "--force").exit_code == 0


def test_an_editor_is_told_the_tables_and_the_metrics() -> None:
    schema = json.loads(call("init", "--schema").stdout)
    finding = schema["$defs"]["FindingTable"]["properties"]
    assert set(finding["metric"]["enum"]) == set(METRICS)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {"version", "audit", "gate", "intended_use", "finding"}


DOCS = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("heading", "table"), TABLES.items())
def test_the_docs_tell_every_key_with_its_default(heading: str, table: type[BaseModel]) -> None:
    section = DOCS.split(f"## {heading}: ")[1].split("\n## ")[0]
    rows = {row.split("`")[1]: row for row in section.splitlines() if row.startswith("| `")}
    for key, field in table.model_fields.items():
        default = rows.pop(key).split(" | ")[2]
        if isinstance(field.default, bool):
            assert default == f"`{str(field.default).lower()}`", key
        elif field.default not in (None, "", [], {}) and not field.is_required():
            assert default in (f"`{field.default}`", f'`"{field.default}"`'), key
    assert all("," in key or key in METRICS for key in rows)


def test_the_docs_tell_every_metric() -> None:
    rows = [row.split("|")[1] for row in DOCS.splitlines() if row.startswith("| `")]
    assert set(METRICS) <= {word for row in rows for word in row.replace("`", " ").replace(",", " ").split()}


def test_the_settings_of_the_folder_hold_where_the_command_line_says_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    policy(tmp_path).rename("xaiaudit.toml")
    result = call("attack", checkpoint, "--out", "audit", "--no-report", "--limit", 4)
    assert result.exit_code == 0, result.output
    assert (
        "Settings: [audit] of xaiaudit.toml; the command line says otherwise of limit; nothing is judged"
        in result.stderr
    )
    found = record(Path("audit"))
    assert [(a.id, a.parameters["steps"], a.curve) for a in found.attacks] == [("fgsm", 2, [])]
    assert [explainer.id for explainer in found.explainers] == ["cam"]
    assert (found.images, found.seed, found.variability) == (4, 3, None)
    assert not Path("audit/gate.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("2/255,steps=2", "300", 2, "epsilon"),
        ("steps=2", "steps=0", 2, "steps"),
        ("fgsm:epsilon=2/255,steps=2", "art:NoSuchAttack", 2, "NoSuchAttack"),
        ('"cam"', '"occlusion:window=-1"', 3, "window"),
        ("seed = 3", 'criteria = ["lower-dice:limit=7"]', 5, "limit"),
        ("curve = false", 'curve = "no"', 7, "true or false"),
    ],
)
def test_what_only_the_classes_know_is_told_before_anything_is_opened(
    old: str, new: str, line: int, words: str, tmp_path: Path
) -> None:
    path = policy(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    result = call("attack", tmp_path / "none.pt", "--policy", path)
    assert result.exit_code == 2
    (told,) = result.stderr.splitlines()
    assert told.startswith(f"Error: {path}, line {line}: ")
    assert words in told


def test_an_audit_that_ran_out_of_time_goes_on_to_the_same_tables(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, options = policy(tmp_path, "max_minutes = 2"), ["--no-report", "--batch-size", 2]
    words = ["attack", checkpoint, "--policy", path, *options]
    whole = call(*words, "--out", tmp_path / "whole")
    assert (tmp_path / "whole" / "audit.json").exists(), whole.output
    with monkeypatch.context() as patched:
        ticks = count(step=15)  # seconds, from one word of progress to the next
        patched.setattr(cli_policy, "TimeLimit", partial(cli_policy.TimeLimit, clock=lambda: next(ticks)))
        ended = call(*words, "--out", tmp_path / "cut")
    assert ended.exit_code == 2
    told = ended.stderr.splitlines()[-1]
    assert told.startswith(f"Error: {path}, line 9: 'max_minutes' = 2 are over, and ")
    assert "parts of the audit are done" in told
    assert "0 of" not in told
    assert not (tmp_path / "cut" / "audit.json").exists()
    assert call(*words, "--out", tmp_path / "cut", "--resume").exit_code == whole.exit_code
    for table in ("predictions.parquet", "maps.parquet"):
        assert (tmp_path / "cut" / table).read_bytes() == (tmp_path / "whole" / table).read_bytes()


def test_the_time_may_end_before_an_image_is_read(checkpoint: Path, tmp_path: Path) -> None:
    path = policy(tmp_path, "max_minutes = 1e-9")
    result = call("attack", checkpoint, "--policy", path, "--out", tmp_path / "audit")
    assert result.exit_code == 2
    assert "the images were not yet read" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "audit").exists()


def test_a_policy_is_checked_without_an_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no xaiaudit.toml here" in call("gate", "--check").stderr
    call("init")
    result = call("gate", "--check")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("The policy is sound: 2 attacks, ")
    told = json.loads(call("gate", "--check", "--json").stdout)
    content = Path("xaiaudit.toml").read_bytes()
    assert (told["policy"], told["sha256"]) == ("xaiaudit.toml", sha256(content).hexdigest())
    assert f"{told['count']} findings, {told['compared']} of them" in result.stdout
    assert len(told["findings"]) == told["count"]
    starts = [number for number, line in enumerate(content.decode().splitlines(), 1) if line == "[[finding]]"]
    assert [item["line"] for item in told["findings"]] == starts
    assert "sensitivity" in {item["id"] for item in told["findings"]}
    assert sum(item["compared"] for item in told["findings"]) == told["compared"]
    Path("xaiaudit.toml").write_text("")
    refused = call("gate", "--check", "--json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[-1].startswith("Error: xaiaudit.toml: holds no key")
    assert call("gate", "audit", "--check").exit_code == 2
    assert call("gate").exit_code == 2


GATED = (
    POLICY.replace("min = 0.6", "min = 0.01")
    + """
[gate]
min_cases = 1
[[finding]]
metric = "flip-rate"
attack = "fgsm"
max = {limit}
{more}
"""
)


def gated(folder: Path, limit: float, more: str = "") -> Path:
    path = folder / "policy.toml"
    path.write_text(GATED.format("", limit=limit, more=more))
    return path


@pytest.mark.parametrize(("limit", "verdict", "code"), [(0.99, "passed", 0), (0.01, "failed", 1)])
def test_an_audit_with_a_policy_is_judged_before_its_report_is_written(
    limit: float, verdict: str, code: int, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "audit", []

    def report(audit: Audit, out: Path) -> Path:
        assert audit.verdict is not None
        seen.append(audit.verdict.verdict)
        return out

    monkeypatch.setattr(pdf, "write_report", report)
    result = call("attack", checkpoint, "--policy", gated(tmp_path, limit), "--out", out)
    assert result.exit_code == code, result.output
    assert seen == [verdict]
    assert result.stdout.splitlines()[-1].startswith(f"Verdict: {verdict} ")
    assert "No policy" not in result.stdout
    assert (out / "junit.xml").exists()
    as_before = (out / "gate.json").read_bytes()
    assert call("gate", out, "--policy", tmp_path / "policy.toml").exit_code == code
    assert (out / "gate.json").read_bytes() == as_before


def test_json_stays_json_and_a_missing_baseline_is_told_before_the_work(
    checkpoint: Path, tmp_path: Path
) -> None:
    path, out = gated(tmp_path, 0.99, "max_regression = 0.0"), tmp_path / "audit"
    words = ["attack", checkpoint, "--policy", path, "--out", out, "--no-report"]
    result = call(*words, "--json")
    assert AuditRecord.model_validate_json(result.stdout) == record(out)
    assert "Note: no baseline is there, so that 1 finding" in result.stderr
    assert "Verdict: not assessed" in result.stderr
    assert result.exit_code == 1
    for more, said in (
        (["--baseline", tmp_path / "none"], "none"),
        (["--baseline", out, "--no-baseline"], "say one of the two"),
    ):
        refused = call(*words[:-3], "--out", tmp_path / "other", *more)
        assert refused.exit_code == 2
        assert said in refused.stderr.splitlines()[-1]
        assert not (tmp_path / "other").exists()
    assert call("attack", checkpoint, "--method", "fgsm", "--no-baseline").exit_code == 2
    again = [*words[:-3], "--out", tmp_path / "again", "--no-report", "--baseline", out]
    assert call(*again).exit_code == 0


def test_a_baseline_that_does_not_fit_leaves_the_audit_and_its_summary(
    checkpoint: Path, tmp_path: Path
) -> None:
    path = gated(tmp_path, 0.99, "max_regression = 0.0")
    words = ["attack", checkpoint, "--policy", path, "--no-report"]
    assert call(*words, "--no-baseline", "--out", tmp_path / "one").exit_code == 0
    result = call(*words, "--limit", 4, "--baseline", tmp_path / "one", "--out", tmp_path / "two")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert f"Audit: {tmp_path / 'two'}" in result.stdout
    assert (tmp_path / "two" / "audit.json").exists()
    assert not (tmp_path / "two" / "gate.json").exists()


def test_a_shard_is_judged_by_nobody_and_says_who_does(checkpoint: Path, tmp_path: Path) -> None:
    path, out = gated(tmp_path, 0.99), tmp_path / "audit"
    result = call("attack", checkpoint, "--policy", path, "--out", out, "--shard", "1/1")
    assert result.exit_code == 0, result.output
    assert f"xaiaudit merge {out}, then xaiaudit gate {out} --policy {path}" in result.stdout
    assert call("merge", out, "--no-report").exit_code == 0
    assert call("gate", out, "--policy", path).exit_code == 0
