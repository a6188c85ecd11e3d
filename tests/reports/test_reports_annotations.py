"""Annotations as GitHub's runner reads them."""

import os
from pathlib import Path

import example_verdict as example
import pytest

from xaiaudit.reports.annotations import annotations


def read(line: str) -> tuple[dict[str, str], str]:
    """As the runner's ActionCommand.TryParseV2: the next `::` ends the properties, escapes are turned back."""
    assert line.startswith("::error ")
    assert line.isprintable()
    properties, _, data = line[len("::error ") :].partition("::")
    pairs = [pair.split("=", 1) for pair in properties.split(",")]
    return {key: back(value, ":,") for key, value in pairs}, back(data, "")


def back(text: str, also: str) -> str:
    for sign in f"\r\n{also}%":
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


def test_gravest_first_and_never_more_than_ten(folder: Path) -> None:
    findings = [
        *example.mixed(passed=5, failed=4, not_assessed=9),
        example.finding(99, "failed", kind="condition"),
    ]
    lines = annotations(example.verdict(folder, findings), Path.cwd())
    assert len(lines) == 10
    titles = [read(line)[0]["title"] for line in lines]
    assert titles[0] == "xaiaudit: failed: flip-rate/fgsm/99"
    statuses = [title.split(": ")[1] for title in titles[:9]]
    assert statuses == ["failed"] * 5 + ["not assessed"] * 4
    assert read(lines[-1])[1].startswith("5 more findings did not pass (5 not assessed);")


def test_ten_are_all_told(folder: Path) -> None:
    lines = annotations(example.verdict(folder, example.mixed(1, 6, 4)), Path.cwd())
    assert len(lines) == 10
    assert all("flip-rate" in read(line)[0]["title"] for line in lines)


def test_nothing_is_said_of_what_passed(folder: Path) -> None:
    assert annotations(example.verdict(folder, example.mixed(4, 0, 0)), Path.cwd()) == []


def test_they_point_at_the_line_of_the_policy(folder: Path, tmp_path: Path) -> None:
    for path in ("ci/xaiaudit.toml", os.path.abspath("ci/xaiaudit.toml")):
        policy = example.verdict(folder, []).policy.model_copy(update={"path": path})
        made = example.verdict(folder, [example.finding(1, "failed")], policy=policy)
        (line,) = annotations(made, Path.cwd())
        properties, _ = read(line)
        assert (properties["file"], properties["line"]) == ("ci/xaiaudit.toml", "11")
        (line,) = annotations(made, tmp_path)  # the policy lies outside the checkout
        assert set(read(line)[0]) == {"title"}
    condition = example.finding(1, "failed", kind="condition")
    (line,) = annotations(example.verdict(folder, [condition]), Path.cwd())
    assert set(read(line)[0]) == {"file", "title"}
    limits = made.policy.model_copy(update={"path": "command line", "sha256": None})
    (line,) = annotations(example.verdict(folder, [example.finding(1, "failed")], policy=limits), Path.cwd())
    assert set(read(line)[0]) == {"title"}


@pytest.mark.parametrize(
    "name", [example.HOSTILE, "a:b,c;d=e%3Af", "%25", "::stop-commands::x", "\r\n::error::y"]
)
def test_no_name_breaks_out_of_its_place(folder: Path, name: str) -> None:
    made = example.verdict(folder, [example.finding(1, "failed", name=name, words=name)])
    (line,) = annotations(made, Path.cwd())
    properties, data = read(line)
    shown = example.SHOWN if name == example.HOSTILE else name.replace("\r", "\\u{d}").replace("\n", "\\u{a}")
    assert data == shown
    assert properties["title"] == f"xaiaudit: failed: {shown}/1"
    assert properties["file"] == "ci/xaiaudit.toml"
