"""Changes of means, of balanced accuracy and of shares that are no hits, beside independent readings."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_worsening
from xaiaudit.metrics.classification import class_mean, class_mean_bound
from xaiaudit.metrics.differences import paired_difference, worsening
from xaiaudit.metrics.mean_difference import mean_difference, mean_worsening
from xaiaudit.metrics.power import noticed, power
from xaiaudit.metrics.proportions import bound, proportion

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).resolve().parents[2])
    from benchmarks import simulation as sim


def test_with_one_image_a_case_it_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=30), rng.normal(0.3, 1, 30)
    theirs = stats.ttest_rel(after, before, alternative="greater")
    assert mean_worsening(before, after, np.arange(30)) == pytest.approx(theirs.pvalue, rel=1e-9)
    found = mean_difference(before, after, np.arange(30), level=0.9)
    low, high = stats.ttest_rel(after, before).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    tolerated = stats.ttest_1samp(after - before, 0.2, alternative="greater")
    assert mean_worsening(before, after, np.arange(30), tolerated=0.2) == pytest.approx(tolerated.pvalue)


def test_a_case_of_two_images_by_hand() -> None:
    # changes 1, 1 | 0 | 4: mean 1.5; sums less mean * size: -1, -1.5, 2.5; variance 3/2 * 9.5 / 16 = 0.890625
    before, after = np.zeros(4), np.array([1.0, 1.0, 0.0, 4.0])
    found = mean_difference(before, after, [0, 0, 1, 2])
    half = stats.t.ppf(0.975, 2) * 0.890625**0.5
    assert (found.estimate, found.low, found.high) == pytest.approx((1.5, 1.5 - half, 1.5 + half))
    assert mean_worsening(before, after, [0, 0, 1, 2]) == pytest.approx(stats.t.sf(1.5 / 0.890625**0.5, 2))


def test_p_agrees_with_the_bound_and_says_nothing_of_one_case() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=40), rng.normal(0.2, 1, 40)
    cases = np.arange(40) // 3
    low = mean_difference(before, after, cases, level=0.9).low
    assert low is not None
    assert mean_worsening(before, after, cases, tolerated=low - 1e-6) < 0.05  # type: ignore[operator]
    assert mean_worsening(before, after, cases, tolerated=low + 1e-6) > 0.05  # type: ignore[operator]
    assert mean_worsening(before, after, [0] * 40) is None
    assert mean_difference(before, after, [0] * 40).low is None
    assert mean_worsening(before, before, cases) == 0.5  # nothing is seen to vary
    assert mean_worsening(before, before + 1, cases, tolerated=2.0) == pytest.approx(1.0)


def test_a_fall_of_balanced_accuracy_agrees_with_its_interval() -> None:
    rng = np.random.default_rng(2)
    truth, before = np.arange(200) % 2, rng.random(200) < 0.9
    after = before & (rng.random(200) < 0.85)
    decided = [np.where(right, truth, 1 - truth) for right in (before, after)]
    high = balanced_accuracy_difference(truth, *decided, np.arange(200), 2, level=0.9).high
    assert high is not None
    assert high < 0
    for tolerated, below in ((-high - 1e-6, True), (-high + 1e-6, False)):
        p = balanced_accuracy_worsening(truth, *decided, np.arange(200), 2, tolerated=tolerated)
        assert p is not None
        assert (p < 0.05) == below
    assert balanced_accuracy_worsening(np.zeros(200, int), *decided, np.arange(200), 2) is None


def test_the_bound_of_balanced_accuracy_joins_those_of_the_classes() -> None:
    truth = np.arange(60) % 2
    hits = (np.arange(60) < 54) & (np.arange(60) != 1)
    lows = [bound(hits[truth == k], np.flatnonzero(truth == k), "lower") for k in (0, 1)]
    shares = [low.estimate or 0.0 for low in lows]
    below = [share - (low.low or 0.0) for share, low in zip(shares, lows, strict=True)]
    found, two_sided = (mean(hits, truth, np.arange(60), 2) for mean in (class_mean_bound, class_mean))
    assert found is not None
    assert two_sided is not None
    assert found.estimate == two_sided.estimate == pytest.approx(sum(shares) / 2)
    assert found.low == pytest.approx(sum(shares) / 2 - np.hypot(*below) / 2)
    assert (found.high, found.level) == (1.0, pytest.approx(0.9))
    assert class_mean_bound(hits, np.zeros(60, int), np.arange(60), 2) is None


def test_shares_that_are_whole_are_hits() -> None:
    rng = np.random.default_rng(3)
    before, after, cases = rng.random(50) < 0.3, rng.random(50) < 0.5, np.arange(50) // 2
    one, other = before.astype(float), after.astype(float)
    assert paired_difference(one, other, cases) == paired_difference(before, after, cases)
    assert worsening(one, other, cases, tolerated=0.05) == worsening(before, after, cases, tolerated=0.05)
    assert bound(one, cases) == bound(before, cases)


def test_a_tied_extreme_widens_no_less_than_it_should() -> None:
    before, after = np.full(50, 0.5), np.where(np.arange(50) % 2, 1.0, 0.5)  # half of all gain a half
    found = paired_difference(before, after, np.arange(50))
    whole = paired_difference(np.arange(50) < 0, np.arange(50) % 4 == 0, np.arange(50))
    assert found.estimate == 0.25
    assert proportion(after, np.arange(50)).estimate == 0.75
    assert found.low is not None
    assert whole.low is not None
    assert 0 < found.low < 0.25


def test_the_power_of_two_states_is_that_of_their_discordant_images() -> None:
    assert power(0.3, 0.2, 100) == noticed(0.5 * 0.7, 0.3 * 0.5, 100)
    gained, lost, _ = np.random.default_rng(4).multinomial(100, [0.2, 0.05, 0.75], 100_000).T
    mcnemar = (gained - lost) / np.sqrt(gained + lost)  # what Tango's score is where nothing is tolerated
    seen = (mcnemar > stats.norm.isf(0.0125)).mean()
    assert noticed(0.2, 0.05, 100, alpha=0.0125) == pytest.approx(seen, abs=0.005)


@pytest.mark.parametrize("design", [sim.Design(10, True, 0.3), sim.Design(30, True, 0.9)], ids=str)
@pytest.mark.parametrize("skewed", [False, True])
def test_an_equal_mean_is_seldom_called_worse(design: sim.Design, skewed: bool) -> None:
    assert sim.mean_regression(design, 400, skewed=skewed) <= 0.06 + 3 * (0.06 * 0.94 / 400) ** 0.5
