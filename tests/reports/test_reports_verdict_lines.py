"""The verdict in a terminal."""

from collections.abc import Callable
from pathlib import Path

import example_verdict as example
import pytest

from xaiaudit.records import SampleSize
from xaiaudit.reports.verdict_lines import verdict_lines
from xaiaudit.reports.verdict_table import verdict_table


def test_what_failed_comes_first_and_the_verdict_last(folder: Path) -> None:
    lines = verdict_lines(example.verdict(folder, example.mixed()))
    assert [line[:12].strip() for line in lines[:6]] == ["FAILED"] * 2 + ["NOT ASSESSED"] + ["passed"] * 3
    assert lines[0].endswith("limit 10.0 % [ci/xaiaudit.toml:14]")
    assert lines[6:] == [
        "Note: deepfool is not judged: it has no radius",
        "Policy: ci/xaiaudit.toml",
        "Baseline: last.pt, baselines",
        "Verdict: failed (2 failed, 1 not assessed, 3 passed)",
    ]


def test_columns_stand_under_one_another(folder: Path) -> None:
    sample = SampleSize(
        images=9,
        cases=9,
        effective=9.0,
        rate=0.1,
        limit=0.2,
        passes_up_to=None,
        smallest_rise=None,
        words="With 9",
    )
    findings = [
        example.finding(1, "failed", words="worse"),
        example.finding(2, "passed", words="well", sample=sample),
    ]
    findings[0] = findings[0].model_copy(update={"id": "a"})
    lines = verdict_lines(example.verdict(folder, findings, baseline=None))
    assert lines[0].index("worse") == lines[1].index("well") == lines[2].index("With 9")
    assert lines[-2] == "Baseline: none"


def test_no_name_makes_a_line_of_its_own(folder: Path) -> None:
    hostile = example.finding(1, "failed", name=example.HOSTILE, words=example.HOSTILE)
    lines = verdict_lines(example.verdict(folder, [hostile], notes=[example.HOSTILE]))
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
    assert all(not line.lstrip().startswith("::") for line in lines)


@pytest.mark.parametrize("table", [verdict_lines, verdict_table])
def test_no_name_is_a_command_of_the_runner(
    folder: Path, table: Callable[[example.Verdict], list[str]]
) -> None:
    """The old form is a command wherever in a line it stands: here it would say that the gate passed."""
    name = "m##[set-output name=verdict]passed"
    hostile = example.finding(1, "failed", name=name, words=f"#{name}")
    policy = example.verdict(folder, []).policy.model_copy(update={"path": name})
    lines = table(example.verdict(folder, [hostile], notes=[name], policy=policy))
    assert not [line for line in lines if "##[" in line]
    assert "m##\\u{5b}set-output" in "".join(lines)
