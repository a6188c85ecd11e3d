"""The verdict as a table in a terminal."""

from pathlib import Path

import example_verdict as example
import pytest

from xaiaudit.records import Interval
from xaiaudit.reports.verdict_table import row, verdict_table


def test_a_table_keeps_to_its_width_and_tells_below_what_did_not_pass(folder: Path) -> None:
    long = example.finding(9, "failed", name="silent-shift/pgd-2/grad-cam/device=Logiq 5")
    lines = verdict_table(example.verdict(folder, [*example.mixed(), long]), 80)
    assert all(len(line) <= 80 for line in lines)
    assert sum(line.startswith("FAILED") for line in lines) == 6  # three rows, and each in words
    assert "Verdict: failed (3 failed, 1 not assessed, 3 passed)" in lines


@pytest.mark.parametrize(
    ("metric", "change", "tolerated", "cells"),
    [
        ("flip-rate", 0.153, 0.05, ("+15.3 points", "5.0 points worse")),
        ("flip-rate", -0.2, 0.0, ("−20.0 points", "0.0 points worse")),
        ("auc", -0.0312, 0.02, ("−0.031", "0.020 worse")),
        ("auc", None, 0.02, ("", "0.020 worse")),
    ],
)
def test_differences_are_told_in_points_or_in_the_unit_of_the_statistic(
    metric: str, change: float | None, tolerated: float, cells: tuple[str, str]
) -> None:
    paired = Interval(estimate=change, low=None, high=None, n=24, cases=24, method="by hand")
    made = example.finding(1, "failed", kind="regression", sense="at most", limit=tolerated, change=paired)
    assert row(made.model_copy(update={"metric": metric}))[3:5] == cells


def test_what_was_not_computed_is_an_empty_cell() -> None:
    bare = example.finding(1, "not assessed", kind="condition", cases=None)
    assert row(bare) == ("NOT ASSESSED", "flip-rate/fgsm/1", "", "", "", "")
