"""Ranks against SciPy, and what the similarity of two maps must not do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from skimage.metrics import structural_similarity

from xaiaudit.metrics.similarity import midranks, spearman, ssim

numbers = st.lists(st.sampled_from([-2.0, -0.0, 0.0, 1.0, 1.0 + 1e-15, 3.5]), max_size=30)


def test_midranks_by_hand() -> None:
    np.testing.assert_array_equal(midranks(np.array([3.0, 1.0, 3.0, 0.0, 3.0])), [4, 2, 4, 1, 4])


@settings(deadline=None, max_examples=60)
@given(values=numbers)
def test_midranks_are_those_of_scipy(values: list[float]) -> None:
    np.testing.assert_array_equal(midranks(np.array(values)), rankdata(values))


@pytest.mark.parametrize("signed", [False, True])
def test_maps_of_image_size_agree_with_the_libraries(signed: bool) -> None:
    before, after = np.random.default_rng(0).normal(size=(2, 224, 224)).astype(np.float32)
    if not signed:
        before, after = before.clip(0), after.clip(0)  # half of the pixels are tied
    expected = spearmanr(before.ravel(), after.ravel()).statistic
    assert spearman(before, after) == pytest.approx(expected, abs=1e-12)
    old, new = before.astype(np.float64), after.astype(np.float64)
    span = max(old.max(), new.max()) - min(old.min(), new.min())
    assert ssim(old, new) == structural_similarity(old, new, data_range=span)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_map_with_a_value_that_is_not_finite_has_no_rank_correlation(bad: float) -> None:
    before, after = np.random.default_rng(0).normal(size=(2, 4, 6))
    after[1, 2] = bad
    assert np.isnan(spearman(before, after))


def test_a_fading_map_is_not_made_to_look_unchanged() -> None:
    """Min-max normalisation before a metric would give 1."""
    before = np.random.default_rng(0).random((20, 30))
    assert ssim(before, 0.1 * before) < 0.5
