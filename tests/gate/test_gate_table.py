"""The verdict on a terminal: a table that fits, and in words what did not pass."""

import re
from pathlib import Path

import pytest
from judged_audits import made, policy

from xaiaudit.gate.judging import judged
from xaiaudit.reports.verdict_table import verdict_table

LINES = (
    'metric = "auc"\nmin = 0.5\nmax_regression = 0.0',
    'metric = "flip-rate"\nattack = "fgsm"\nmax = 0.3\nmax_regression = 0.05',
    'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax = 0.5\nsubgroup = { device = "Logiq 5" }',
)


def lines_of(folder: Path, width: int = 100) -> list[str]:
    verdict = judged(made(100, flips=60), policy(folder, *LINES), made(100, flips=20))
    return verdict_table(verdict, width)


@pytest.mark.parametrize("width", [100, 80])
def test_every_line_fits(tmp_path: Path, width: int) -> None:
    assert max(map(len, lines_of(tmp_path, width))) <= width


def test_the_table_tells_status_figure_bound_and_limit(tmp_path: Path) -> None:
    rows = [re.split(r"  +", line.strip()) for line in lines_of(tmp_path)]
    assert rows[0] == ["finding", "figure", "bound, change", "limit", "cases"]
    assert rows[1] == ["FAILED", "flip-rate/fgsm", "60.0 %", "≤ 68.2 %", "≤ 30.0 %", "100"]
    assert rows[2] == [
        "FAILED",
        "flip-rate/fgsm/no-worse",
        "60.0 %",
        "+40.0 points",
        "5.0 points worse",
        "100",
    ]
    assert rows[3][0] == "NOT ASSESSED"
    (auc,) = (row for row in rows if row[1:2] == ["auc/no-worse"])
    assert (auc[0], auc[3:]) == ("passed", ["+0.000", "0.000 worse", "100"])


def test_what_did_not_pass_is_told_in_words_and_the_verdict_comes_last(tmp_path: Path) -> None:
    lines = lines_of(tmp_path)
    below = " ".join(line.strip() for line in lines[lines.index("") :])
    assert "60.0 % under fgsm within 1 grey level" in below
    assert "the audit records no device of its images" in below
    assert "AUC 0." not in below
    assert "What these cases can show: With 100 images of 100 cases" in below
    assert lines[-1].startswith("Verdict: failed (2 failed, 1 not assessed, ")
