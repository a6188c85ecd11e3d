"""Accepted audits, and the command line around them: gate, accept, gate again."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from judged_audits import made, policy, write

from xaiaudit.cli import main
from xaiaudit.errors import UsageError
from xaiaudit.gate.judging import judge
from xaiaudit.gate.reading import read_policy
from xaiaudit.gate.store import Index, read_index
from xaiaudit.gate_record import Verdict

LINES = ('metric = "auc"\nmin = 0.5', 'metric = "flip-rate"\nattack = "fgsm"\nmax_regression = 0.0')


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with xaiaudit.toml and the audits good, worse and other."""
    policy(tmp_path, *LINES, name="xaiaudit.toml", gate='min_cases = 1\nbaseline = "baselines"')
    for name, flips in (("good", 10), ("other", 11), ("worse", 70)):
        write(made(100, flips=flips, changes={"command": [name]}), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkpoint_is_accepted_and_the_next_compared_with_it(here: Path) -> None:
    first = call("gate", "good")
    assert first.exit_code == 1  # there is no baseline yet
    assert "NOT ASSESSED" in first.stdout
    assert "Policy: xaiaudit.toml" in first.stderr
    assert call("gate", "good", "--no-baseline").exit_code == 0
    accepted = call("accept", "good", "--by", "R. Reader", "--note", "the first")
    assert accepted.exit_code == 0, accepted.output
    (entry,) = read_index(here / "baselines").entries
    assert (entry.by, entry.note, entry.verdict, entry.despite) == ("R. Reader", "the first", "passed", "")
    copied = {path.name for path in (here / "baselines" / entry.name).iterdir()}
    assert copied == {
        "audit.json",
        "predictions.parquet",
        "maps.parquet",
        "acquisition.parquet",
        "gate.json",
    }
    worse = call("gate", "worse", "--baseline", "baselines")
    assert worse.exit_code == 1
    assert "FAILED" in worse.stdout
    verdict = Verdict.model_validate_json((here / "worse" / "gate.json").read_bytes())
    assert [item.id for item in verdict.findings if item.status == "failed"] == ["flip-rate/fgsm/no-worse"]
    assert verdict.baseline is not None
    assert verdict.baseline.audit_sha256 == entry.audit_sha256
    by_policy = call("gate", "other")  # the policy names the store
    assert by_policy.exit_code == 0, by_policy.output
    as_audit = call("gate", "other", "--baseline", "good")
    assert as_audit.exit_code == 0, as_audit.output


def test_what_did_not_pass_is_accepted_only_for_a_reason_and_once(here: Path) -> None:
    refused = call("accept", "good")
    assert (refused.exit_code, "holds no verdict" in refused.stderr) == (2, True)
    assert call("gate", "good", "--max-flip-rate", "0.5").exit_code == 0
    assert "limit of the command line" in call("accept", "good").stderr
    assert call("gate", "good").exit_code == 1
    refused = call("accept", "good")
    assert (refused.exit_code, "the verdict on good is not assessed" in refused.stderr) == (2, True)
    assert not (here / "baselines").exists()
    assert call("accept", "good", "--despite", "nothing else is there", "--by", "me").exit_code == 0
    (entry,) = read_index(here / "baselines").entries
    assert (entry.verdict, entry.despite) == ("not assessed", "nothing else is there")
    twice = call("accept", "good", "--despite", "again", "--by", "me")
    assert (twice.exit_code, "accepted already" in twice.stderr) == (2, True)
    assert call("accept", "worse", "--despite", "a second", "--by", "me").exit_code == 0
    assert [item.despite for item in read_index(here / "baselines").entries] == [
        "nothing else is there",
        "a second",
    ]
    assert call("gate", "good").exit_code == 0  # the newest is the baseline, and it was worse
    assert call("gate", "worse").exit_code == 0


def test_a_verdict_on_another_audit_is_none(here: Path) -> None:
    assert call("gate", "good", "--no-baseline").exit_code == 0
    shutil.copy(here / "good" / "gate.json", here / "worse")
    assert "holds no verdict" in call("accept", "worse").stderr


def test_what_was_not_compared_with_the_newest_accepted_does_not_take_its_place(here: Path) -> None:
    """Each could be a little worse than the one before, and nobody would have seen it."""
    for name in ("good", "worse", "other"):
        assert call("gate", name, "--no-baseline").exit_code == 0
    assert call("accept", "good", "--by", "me").exit_code == 0
    refused = call("accept", "worse", "--by", "me")
    assert refused.exit_code == 2
    assert "worse was judged with --no-baseline, and baselines holds" in refused.stderr
    assert call("gate", "other").exit_code == 0
    assert call("accept", "other", "--by", "me").exit_code == 0
    write(made(100, flips=11, changes={"command": ["late"]}), here / "late")
    assert call("gate", "late", "--baseline", "good").exit_code == 0
    refused = call("accept", "late", "--by", "me")
    assert (refused.exit_code, "which is the newest in baselines;" in refused.stderr) == (2, True)
    assert call("gate", "late").exit_code == 0
    assert call("accept", "late", "--by", "me").exit_code == 0
    assert call("gate", "worse", "--no-baseline").exit_code == 0
    assert call("accept", "worse", "--by", "me", "--despite", "it is known").exit_code == 0
    assert [item.despite for item in read_index(here / "baselines").entries] == ["", "", "", "it is known"]


def test_an_audit_is_accepted_where_its_policy_looks_for_it(here: Path) -> None:
    (here / "ci").mkdir()
    read = policy(here / "ci", *LINES, gate='min_cases = 1\nbaseline = "accepted ones"')
    assert call("gate", "good", "--policy", read.path, "--no-baseline").exit_code == 0
    accepted = call("accept", "good", "--by", "me")
    assert accepted.exit_code == 0, accepted.output
    assert [entry.by for entry in read_index(here / "ci" / "accepted ones").entries] == ["me"]
    assert call("gate", "other", "--policy", read.path).exit_code == 0
    single = policy(here / "ci", *LINES, gate='min_cases = 1\nbaseline = "../good"', name="single.toml")
    assert call("gate", "worse", "--policy", single.path).exit_code == 1
    assert call("accept", "worse", "--by", "me", "--despite", "no store is named").exit_code == 0
    assert (here / "baselines" / "index.json").is_file()


def test_a_policy_without_regressions_needs_no_comparison(here: Path) -> None:
    policy(here, LINES[0], name="xaiaudit.toml")
    for name in ("good", "other"):
        assert call("gate", name).exit_code == 0
        assert call("accept", name, "--by", "me").exit_code == 0


def test_a_gate_that_cannot_judge_leaves_no_earlier_pass_behind(here: Path) -> None:
    assert call("gate", "good", "--no-baseline").exit_code == 0
    write(made(100, changes={"seed": 4}), here / "seeded")
    result = call("gate", "good", "--baseline", "seeded")
    assert result.exit_code == 2
    assert "The earlier verdict in good is withdrawn" in result.stderr
    left = {path.name for path in (here / "good").iterdir()}
    assert left == {"audit.json", "predictions.parquet", "maps.parquet", "acquisition.parquet"}
    assert "holds no verdict" in call("accept", "good", "--by", "me").stderr
    assert "withdrawn" not in call("gate", "good", "--baseline", "seeded").stderr


def test_a_fault_of_ours_leaves_no_earlier_pass_behind(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("gate", "good", "--no-baseline").exit_code == 0
    monkeypatch.setattr("xaiaudit.gate.judging.whole", lambda findings: 1 // 0)
    result = call("gate", "good", "--no-baseline")
    assert (result.exit_code, "ZeroDivisionError" in result.stderr) == (2, True)
    assert not (here / "good" / "gate.json").exists()


def test_an_accepted_audit_is_judged_no_more_where_it_is_kept(here: Path) -> None:
    assert call("gate", "good", "--no-baseline").exit_code == 0
    assert call("accept", "good", "--by", "me").exit_code == 0
    (entry,) = read_index(here / "baselines").entries
    kept = here / "baselines" / entry.name
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    for words in (("--no-baseline",), ("--policy", "nowhere.toml"), ("--max-flip-rate", "1")):
        refused = call("gate", kept, *words)
        assert (refused.exit_code, "is an accepted audit" in refused.stderr) == (2, True)
    with pytest.raises(UsageError, match="is an accepted audit"):
        judge(kept, read_policy(here / "xaiaudit.toml"), no_baseline=True)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert call("gate", "other").exit_code == 0  # the store still serves
    (here / "index.json").write_text("{}")  # of something else, beside audits of other names
    assert call("gate", "good").exit_code == 0


def test_a_table_that_is_not_the_audit_s_is_refused(here: Path) -> None:
    assert call("gate", "good", "--no-baseline").exit_code == 0
    shutil.copy(here / "other" / "predictions.parquet", here / "good")
    for words in (("accept", "good"), ("compare", "good", "other"), ("report", "good"), ("gate", "good")):
        result = call(*words)
        assert result.exit_code == 2, result.output
        assert "predictions.parquet is not the table that audit.json was computed from" in result.stderr
    (here / "good" / "predictions.parquet").unlink()
    assert "predictions.parquet is missing" in call("gate", "good", "--no-baseline").stderr


def test_a_store_that_was_changed_is_refused(here: Path) -> None:
    call("gate", "good", "--no-baseline")
    call("accept", "good", "--by", "me")
    (entry,) = read_index(here / "baselines").entries
    stored = here / "baselines" / entry.name / "audit.json"
    whole = stored.read_text()
    stored.write_text(whole.replace('"seed": 0', '"seed": 1'))
    changed = call("gate", "other")
    assert (changed.exit_code, "is not the file that was accepted" in changed.stderr) == (2, True)
    stored.write_text(whole)
    (stored.parent / "predictions.parquet").write_bytes((here / "worse" / "predictions.parquet").read_bytes())
    changed = call("gate", "other")
    assert (changed.exit_code, "predictions.parquet is not the file that was accepted" in changed.stderr) == (
        2,
        True,
    )
    shutil.rmtree(stored.parent)
    assert "is missing" in call("gate", "other").stderr
    (here / "baselines" / "index.json").write_text("{}x")
    assert "is no index of accepted audits" in call("gate", "other").stderr
    (here / "baselines" / "index.json").write_text(Index(schema_version=9).model_dump_json())
    assert "schema version 9" in call("gate", "other").stderr


def test_a_copy_that_was_cut_off_is_made_again(here: Path) -> None:
    call("gate", "good", "--no-baseline")
    call("accept", "good", "--by", "me")
    (entry,) = read_index(here / "baselines").entries
    (here / "baselines" / "index.json").unlink()  # as if it had ended before the index was written
    (here / "baselines" / entry.name / "maps.parquet").unlink()
    assert call("accept", "good", "--by", "me").exit_code == 0
    assert (here / "baselines" / entry.name / "maps.parquet").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["good", "--baseline", "nowhere"], "--baseline: nowhere is not there; name the folder of an audit"),
        (["good", "--baseline", "nowhere"], "say --no-baseline where none was ever accepted"),
        (["good", "--baseline", "xaiaudit.toml"], "is a file, and a baseline is a folder"),
        (["good", "--baseline", "."], "is neither an audit"),
        (["good", "--baseline", "empty"], "no audit is accepted there yet"),
        (["good", "--baseline", "good", "--no-baseline"], "say one of the two"),
        (["good", "--max-flip-rate", "0.1", "--no-baseline"], "say it alone"),
        (["good", "--attack", "fgsm"], "--attack goes with --max-flip-rate"),
        (["good", "--policy", "none.toml"], "no such file"),
        (["nowhere"], "holds no readable audit"),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_line(here: Path, words: list[str], said: str) -> None:
    (here / "empty").mkdir()
    result = call("gate", *words)
    (line,) = (line for line in result.stderr.splitlines() if not line.startswith("Policy:"))
    assert result.exit_code == 2
    assert line.startswith("Error: ")
    assert said in line


def test_without_a_policy_it_is_said_how_to_come_by_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "xaiaudit.toml").unlink()
    result = call("gate", "good")
    assert result.exit_code == 2
    assert "xaiaudit init" in result.stderr


def test_audits_that_cannot_be_compared_end_with_code_2(here: Path) -> None:
    write(made(100, changes={"seed": 4}), here / "seeded")
    result = call("gate", "good", "--baseline", "seeded")
    assert result.exit_code == 2
    assert "differ in seed (0 here, 4 there)" in result.stderr
    assert not (here / "good" / "gate.json").exists()


def test_the_verdict_is_written_beside_the_audit_and_leaves_it_alone(here: Path) -> None:
    before = (here / "good" / "audit.json").read_bytes()
    shown = call("gate", "good", "--no-baseline", "--json")
    written = Verdict.model_validate_json((here / "good" / "gate.json").read_bytes())
    assert json.loads(shown.stdout) == json.loads(written.model_dump_json())
    assert written.policy.text == (here / "xaiaudit.toml").read_text()
    assert (here / "good" / "audit.json").read_bytes() == before
    assert (here / "good" / "junit.xml").exists()
    assert (here / "good" / "summary.md").exists()


def test_a_baseline_that_no_finding_needs_is_not_read(here: Path, tmp_path: Path) -> None:
    read = policy(tmp_path, 'metric = "auc"\nmin = 0.5')
    assert judge(here / "good", read, here / "nowhere").baseline is None


def test_a_table_without_rows_for_every_image_is_refused(here: Path) -> None:
    record = json.loads((here / "good" / "audit.json").read_bytes())
    (here / "good" / "audit.json").write_text(json.dumps(record | {"tables": {}}))  # of an older version
    table = pq.read_table(here / "good" / "predictions.parquet")
    pq.write_table(table.slice(0, len(table) - 1), here / "good" / "predictions.parquet")
    rounded = policy(here, 'metric = "flip-rate"\nattack = "fgsm"\nmax = 0.5\nrounded = true')
    result = call("gate", "good", "--policy", rounded.path)
    assert result.exit_code == 2
    assert "the tables hold 99 rows for fgsm, and 100 images" in result.stderr
    pq.write_table(table.slice(1), here / "good" / "predictions.parquet")
    result = call("gate", "good", "--policy", rounded.path)
    assert result.exit_code == 2
    assert "99 clean images, and audit.json 100" in result.stderr


def test_the_store_of_a_policy_lies_beside_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("gate", "good", "--no-baseline")
    call("accept", "good", "--by", "me")
    monkeypatch.chdir(here / "good")
    assert call("gate", here / "worse", "--policy", here / "xaiaudit.toml").exit_code == 1
    verdict = Verdict.model_validate_json((here / "worse" / "gate.json").read_bytes())
    assert verdict.baseline is not None


def test_without_a_policy_the_bound_must_hold_too(here: Path) -> None:
    for limit, code in (("0.15", 1), ("0.17", 0)):  # 10 of 100: at most 16.4 % with 95 % confidence
        assert call("gate", "good", "--max-flip-rate", limit).exit_code == code
