"""Risk and coverage by hand, with ties, and against every order of tied decisions."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xaiaudit.metrics.abstention import aurc, least_aurc, risk_coverage

NAN = float("nan")


def test_by_hand_without_ties() -> None:
    scores, wrong = np.array([0.1, 0.9, 0.5, 0.7]), np.array([True, False, False, True])
    np.testing.assert_allclose(risk_coverage(scores, wrong), [0, 1 / 2, 1 / 3, 2 / 4])
    area = aurc(scores, wrong, range(4))
    assert area.estimate == pytest.approx((1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert least_aurc(wrong) == pytest.approx((1 / 3 + 2 / 4) / 4)  # both errors last


def test_by_hand_with_ties() -> None:
    scores, wrong = np.array([1.0, 1.0, 0.0]), np.array([True, False, False])
    np.testing.assert_allclose(risk_coverage(scores, wrong), [1 / 2, 1 / 2, 1 / 3])


def test_what_has_no_score_is_withheld_first() -> None:
    scores, wrong = np.array([NAN, -5.0, NAN, 3.0]), np.array([True, False, False, False])
    np.testing.assert_allclose(risk_coverage(scores, wrong), [0, 0, 1 / 6, 1 / 4])


@settings(deadline=None, max_examples=40)
@given(data=st.lists(st.tuples(st.sampled_from([NAN, 0.0, 1.0, 2.0]), st.booleans()), min_size=1, max_size=6))
def test_ties_are_the_mean_over_every_order(data: list[tuple[float, bool]]) -> None:
    scores, wrong = np.array([s for s, _ in data]), np.array([w for _, w in data])
    filled = np.where(np.isnan(scores), -1.0, scores)
    curves = [
        wrong[list(order)].cumsum() / np.arange(1, len(data) + 1)
        for order in permutations(range(len(data)))
        if (np.diff(filled[list(order)]) <= 0).all()
    ]
    expected = np.mean(curves, axis=0)
    np.testing.assert_allclose(risk_coverage(scores, wrong), expected)
    area = aurc(scores, wrong, range(len(data)))
    assert area.estimate == pytest.approx(expected.mean())
    assert area.estimate >= least_aurc(wrong) - 1e-12


def test_a_perfect_score_has_the_least_area_and_an_even_one_the_error_rate() -> None:
    wrong = np.random.default_rng(0).random(50) < 0.3
    cases = range(50)
    assert aurc(-wrong.astype(float), wrong, cases).estimate == pytest.approx(least_aurc(wrong))
    np.testing.assert_allclose(risk_coverage(np.zeros(50), wrong), wrong.mean())
    assert aurc(np.zeros(50), wrong, cases).estimate == pytest.approx(wrong.mean())


def test_resampled_areas_are_those_of_repeated_images() -> None:
    """The closed form with weights against the curve of a sample that really holds the copies."""
    from xaiaudit.metrics.abstention import _areas, _ranked

    rng = np.random.default_rng(1)
    scores, wrong = rng.integers(0, 4, 20).astype(float), rng.random(20) < 0.4
    scores[:3] = NAN
    weights = rng.integers(0, 4, size=(5, 20))
    order, ends = _ranked(scores)
    areas = _areas(wrong[order].astype(float), weights[:, order], ends)
    for weight, area in zip(weights, areas, strict=True):
        copies = np.repeat(np.arange(20), weight)
        assert area == pytest.approx(risk_coverage(scores[copies], wrong[copies]).mean())


def test_where_all_or_none_are_wrong_no_interval_is_made_up() -> None:
    for wrong in (np.zeros(5, bool), np.ones(5, bool)):
        area = aurc(np.arange(5.0), wrong, range(5))
        assert area.estimate == wrong[0]
        assert area.low is None
        assert area.high is None
    mixed = aurc(np.arange(30.0), np.arange(30) % 3 == 0, range(30))
    assert mixed.low is not None
    assert mixed.low < mixed.estimate < mixed.high


def test_no_decision_has_no_risk() -> None:
    assert risk_coverage(np.zeros(0), np.zeros(0, bool)).shape == (0,)
    assert aurc(np.zeros(0), np.zeros(0, bool), []).estimate is None
    assert np.isnan(least_aurc(np.zeros(0, bool)))
