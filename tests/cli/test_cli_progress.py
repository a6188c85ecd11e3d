"""Progress where there is no terminal: plain lines, now and then."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from xaiaudit.cli import main
from xaiaudit.cli.progress import Progress


def test_plain_lines_come_after_a_while_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    with Progress(clock=lambda: now) as progress:
        progress.update(0, 8, "checking", "attacks", "fgsm, run 1")
        now += 20
        progress.update(0, 8, "checking", "attacks", "fgsm, run 2")  # says nothing of a speed
        now += 5
        progress.update(2, 8, "checking", "attacks")  # too soon after the last line
        now += 15
        progress.update(4, 8, "checking", "attacks")
        now += 1
        progress.update(8, 8, "checking", "attacks")
    assert capsys.readouterr().err.splitlines() == [
        "checking (fgsm, run 2): 0 of 8 attacks",
        "checking: 4 of 8 attacks, 10 s for each, 40 s left",
        "checking: 8 of 8 attacks",
    ]


def test_a_phase_that_comes_back_goes_on_with_its_own_clock(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    with Progress(clock=lambda: now) as progress:
        progress.explained(0, 100, "explaining", "score-cam")
        now += 10
        progress.explained(20, 100, "explaining", "score-cam")  # two a second
        progress.attacked(0, 4, "fgsm")
        now += 30
        progress.attacked(2, 4, "fgsm")
        now += 10
        progress.explained(40, 100, "explaining", "score-cam")  # too soon after the last line
        now += 10
        progress.explained(60, 100, "explaining", "score-cam")
    assert capsys.readouterr().err.splitlines() == [
        "attacking (fgsm): 2 of 4 attacked images, 15 s for each, 30 s left",
        "explaining (score-cam): 60 of 100 forward passes, 2.0 forward passes/s, 20 s left",
    ]


def test_an_audit_tells_what_its_explainers_cost_and_comes_to_the_end_of_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    words = ["attack", str(checkpoint), "--method", "fgsm:steps=2", "--method", "noise:restarts=1"]
    options = [
        "--no-curve",
        "--no-checks",
        "--no-acquisition",
        "--no-report",
        "--limit",
        "4",
        "--batch-size",
        "3",
    ]
    asked = ["--explainer", "smoothgrad:samples=3", "--explainer", "grad-cam", "--out", str(tmp_path / "a")]
    done = CliRunner().invoke(main, [*words, *options, *asked])
    assert done.exit_code == 0, done.output
    lines = done.stderr.splitlines()
    assert "Cost: smoothgrad takes 4 forward passes for each map of each image" in lines
    # two probes, given and clean; 4 images, clean and twice after each of two attacks
    assert "checking the maps (smoothgrad): 16 of 16 forward passes" in lines
    assert "explaining (smoothgrad): 80 of 80 forward passes" in lines
    assert lines.index("checking the maps (smoothgrad): 16 of 16 forward passes") > lines.index(
        "Cost: smoothgrad takes 4 forward passes for each map of each image"
    )
