"""Progress where there is no terminal: plain lines, now and then."""

import pytest

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
