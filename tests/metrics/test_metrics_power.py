"""Sample-size advice against exact binomials by hand, full enumeration, and simulated gates."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from xaiaudit.metrics.power import cases_needed, detectable_rise, passing_rate, power, sample_size
from xaiaudit.metrics.statistics import bound, paired_difference, worsening

ROOT = Path(__file__).resolve().parents[2]
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    from benchmarks import simulation as sim


@pytest.mark.parametrize(("limit", "cases"), [(0.05, 59), (0.1, 29), (0.1, 87), (0.3, 20), (0.5, 200)])
def test_with_one_image_a_case_the_passing_rate_is_binomial(limit: float, cases: int) -> None:
    hits = [bound(np.arange(cases) < k, range(cases)).high <= limit for k in range(cases + 1)]
    most = sum(hits) - 1
    rate = passing_rate(limit, float(cases), cases)
    assert stats.binom.cdf(most, cases, rate) == pytest.approx(0.8)


@pytest.mark.parametrize("limit", [0.02, 0.05, 0.1, 0.5])
def test_the_cases_needed_are_the_fewest_that_pass_without_a_flip(limit: float) -> None:
    needed = cases_needed(limit)
    assert bound(np.zeros(needed, bool), range(needed)).high <= limit
    assert bound(np.zeros(needed - 1, bool), range(needed - 1)).high > limit
    assert passing_rate(limit, float(needed), needed) is not None
    assert passing_rate(limit, float(needed - 1), needed - 1) is None


def test_from_no_flip_three_are_noticed() -> None:
    # McNemar's score of b gained and none lost is sqrt(b), above 1.645 from 3 on
    for cases in (20, 100):
        assert stats.binom.sf(2, cases, detectable_rise(0.0, float(cases))) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(("rate", "rise", "tolerated"), [(0.1, 0.3, 0.0), (0.5, 0.2, 0.05), (0.0, 0.4, 0.1)])
def test_power_is_the_sum_over_all_outcomes(rate: float, rise: float, tolerated: float) -> None:
    n, after = 12, rate + rise
    chances = [after * (1 - rate), rate * (1 - after)]
    chances.append(1 - sum(chances))
    expected = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            order = np.arange(n)
            p = worsening((order >= b) & (order < b + c), order < b, range(n), tolerated=tolerated)
            expected += stats.multinomial.pmf([b, c, n - b - c], n, chances) * (p < 0.05)
    assert power(rate, rise, n, tolerated) == pytest.approx(expected, rel=1e-6)


def test_more_cases_see_smaller_rises_and_none_is_seen_from_one() -> None:
    rises = [detectable_rise(0.2, float(n)) for n in (20, 50, 200, 1000, 5000)]
    assert rises == sorted(rises, reverse=True)
    assert rises[-1] == pytest.approx(
        0.0203, abs=5e-4
    )  # (1.645 + 0.842) sqrt(0.2 * 0.78 + 0.22 * 0.8) / sqrt(5000)
    assert detectable_rise(1.0, 100.0) is None
    assert detectable_rise(0.9, 8.0) is None
    assert detectable_rise(0.2, 200.0, tolerated=0.1) > 0.1 + 0.5 * detectable_rise(0.2, 200.0)


def test_the_sentence_says_what_was_computed() -> None:
    found = bound(np.arange(87) < 9, range(87))
    size = sample_size(found, 0.2)
    assert (size.images, size.cases, size.effective, size.limit) == (87, 87, 87.0, 0.2)
    assert size.passes_up_to == passing_rate(0.2, 87.0, 87)
    assert size.smallest_rise == detectable_rise(9 / 87, 87.0)
    assert f"at most {100 * size.passes_up_to:.1f} %" in size.words
    assert f"less than {100 * size.smallest_rise:.1f} points over the 10.3 %" in size.words
    assert "limit" not in sample_size(found).words
    assert "takes 149 cases" in sample_size(found, 0.02).words
    assert "whatever the number of cases" in sample_size(found, 0.0).words
    assert "no flip rate can rise over the 100 %" in sample_size(bound(np.ones(9, bool), range(9))).words
    rare = sample_size(bound(np.arange(9) > 0, range(9)))
    assert rare.smallest_rise is None
    assert "no rise of the flip rate over the 88.9 % found would be noticed" in rare.words
    assert sample_size(bound(np.zeros(0, bool), [])) is None


def test_an_interval_of_an_older_audit_gives_no_advice() -> None:
    old = paired_difference(np.zeros(3, bool), np.ones(3, bool), range(3)).model_copy(
        update={"effective": None}
    )
    assert sample_size(old) is None


@pytest.mark.parametrize("design", [sim.Design(60), sim.Design(60, True, 0.3)], ids=str)
def test_a_rise_as_large_as_advised_is_noticed_four_times_in_five(design: sim.Design) -> None:
    worth = 60.0 if not design.several else 60 * 5 / (1 + 0.3 * 4.8)
    rise = detectable_rise(0.2, worth)
    repeats = 300
    assert sim.noticed(0.2, rise, design, repeats) == pytest.approx(
        0.79, abs=0.02 + 3 * (0.16 / repeats) ** 0.5
    )
    assert sim.noticed(0.2, rise / 2, design, repeats // 3) < 0.5
