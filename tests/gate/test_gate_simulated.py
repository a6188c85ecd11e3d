"""Whole runs of the gate on simulated checkpoints: an equal one is seldom refused, a worse one nearly always.

The short version runs few samples; a bound is that of the issue, with three standard errors of the simulation. At
length: pytest -m slow. docs/gate.md prints the table.
"""

import pytest
from judged_audits import ROOT

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    from benchmarks import simulation as sim
    from benchmarks.gate import DESIGNS, Retrained, refused, smallest_rise, starter

FEW, MANY = 40, 1000
EQUAL, WORSE = 0.05, 0.85  # refused at most, at least


def error(share: float, repeats: int) -> float:
    """Three standard errors of a simulated share."""
    return 3 * (share * (1 - share) / repeats) ** 0.5


def test_an_equal_checkpoint_is_seldom_refused_and_a_worse_one_nearly_always() -> None:
    read, design = starter(), sim.Design(200)
    assert refused(read, design, Retrained(each_way=0.075), FEW) <= EQUAL + error(EQUAL, FEW)
    assert refused(read, design, Retrained(each_way=0.1, rise=0.15), FEW) >= WORSE


@pytest.mark.slow
@pytest.mark.parametrize("each_way", [0.05, 0.1])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_at_length(design: sim.Design, each_way: float) -> None:
    read = starter()
    assert refused(read, design, Retrained(each_way), MANY) <= EQUAL + error(EQUAL, MANY)
    assert refused(read, design, Retrained(each_way, rise=0.15), MANY) >= WORSE


def test_the_smallest_rise_of_the_table_is_noticed_as_often_as_it_says() -> None:
    read = starter()
    rise = smallest_rise(200, 0.1, len(read.policy.finding))
    assert rise is not None
    assert 0.1 < rise < 0.15
    assert smallest_rise(30, 0.4) is None
    found = refused(read, sim.Design(200), Retrained(each_way=0.1, rise=rise), FEW // 2, seed=1)
    assert 0.8 - error(0.8, FEW // 2) <= found  # another regression may notice it too
