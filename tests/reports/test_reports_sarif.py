"""gate.sarif: the properties that SARIF 2.1.0 and GitHub's reader of it ask for."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import example_verdict as example

from xaiaudit.reports.sarif import MOST, sarif


def run_of(made: example.Verdict, root: Path | None = None) -> dict[str, Any]:
    content = sarif(made, root or Path.cwd())
    assert content is not None
    log = json.loads(content)
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_results_stand_at_the_lines_of_the_policy(folder: Path) -> None:
    findings = [*example.mixed(2, 2, 1), example.finding(7, "failed", kind="condition")]
    run = run_of(example.verdict(folder, findings))
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("xaiaudit", "0.1.0")
    assert [rule["id"] for rule in driver["rules"]] == ["flip-rate"]
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    lines = []
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"], result["level"]) == ("fail", "error")
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "ci/xaiaudit.toml", "uriBaseId": "%SRCROOT%"}
        lines.append(physical["region"]["startLine"])
    assert lines == [1, 13, 14, 12]  # the condition, two failed, one not assessed
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(prints)) == 4


def test_a_finding_keeps_its_fingerprint_when_its_line_moves(folder: Path) -> None:
    one, other = (
        run_of(example.verdict(folder, [example.finding(1, "failed", line=line)]))["results"][0]
        for line in (4, 40)
    )
    assert one["partialFingerprints"] == other["partialFingerprints"]
    assert one["locations"] != other["locations"]


def test_without_a_policy_file_there_is_none(folder: Path) -> None:
    made = example.verdict(folder, example.mixed())
    limits = made.policy.model_copy(update={"path": "command line", "sha256": None})
    assert sarif(example.verdict(folder, example.mixed(), policy=limits), Path.cwd()) is None


def test_where_all_passed_no_alert_stands(folder: Path) -> None:
    run = run_of(example.verdict(folder, example.mixed(3, 0, 0)))
    assert run["results"] == []
    assert run["properties"]["verdict"] == "passed"


def test_no_more_stand_there_than_github_keeps_and_the_gravest_do(folder: Path) -> None:
    findings = [example.finding(n, "not assessed" if n < 9 else "failed") for n in range(MOST + 4)]
    messages = [result["message"]["text"] for result in run_of(example.verdict(folder, findings))["results"]]
    assert len(messages) == MOST
    assert sum(", not assessed: " in text for text in messages) == 5


def test_paths_are_uris(folder: Path, tmp_path: Path) -> None:
    policy = example.verdict(folder, []).policy.model_copy(update={"path": "my ci/ü%.toml"})
    made = example.verdict(folder, [example.finding(1, "failed")], policy=policy)
    place = run_of(made)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "my%20ci/%C3%BC%25.toml", "uriBaseId": "%SRCROOT%"}
    elsewhere = run_of(made, tmp_path)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert elsewhere["uri"].startswith("file:///")
    assert unquote(elsewhere["uri"]) == f"file://{os.path.abspath('my ci/ü%.toml')}"


def test_any_text_is_told_as_it_is(folder: Path) -> None:
    hostile = example.finding(1, "failed", name=example.HOSTILE, words=example.HOSTILE)
    (result,) = run_of(example.verdict(folder, [hostile]))["results"]
    assert result["message"]["text"] == f"{example.SHOWN}/1, failed: {example.SHOWN}"
