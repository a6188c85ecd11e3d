"""Moving between grids, against torch and by hand, on grids that are not square."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xaiaudit.metrics.grids import centre_pixels, centres, pool, upsample

sides = st.integers(1, 17)


@settings(deadline=None, max_examples=40)
@given(u=sides, v=sides, h=sides, w=sides, seed=st.integers(0, 99))
def test_upsampling_equals_torch_for_any_pair_of_grids(u: int, v: int, h: int, w: int, seed: int) -> None:
    maps = np.random.default_rng(seed).normal(size=(2, u, v))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None], size=(h, w), mode="bilinear", align_corners=False
    )[:, 0]
    np.testing.assert_allclose(upsample(maps, (h, w)), expected.numpy(), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(u=sides, v=sides, h=sides, w=sides)
def test_pooling_keeps_all_mass_and_spreads_an_even_one_evenly(u: int, v: int, h: int, w: int) -> None:
    pooled = pool(np.full((1, u, v), 1 / (u * v)), (h, w))
    np.testing.assert_allclose(pooled, np.full((1, h, w), 1 / (h * w)), atol=1e-12)


def test_pooling_three_cells_to_two_splits_the_middle_one() -> None:
    np.testing.assert_allclose(pool(np.array([[[1.0, 4.0, 2.0]]]), (1, 2)), [[[3.0, 4.0]]])


def test_centres_by_hand() -> None:
    np.testing.assert_allclose(centres(2, 8), [2, 6])
    np.testing.assert_array_equal(centre_pixels(2, 8), [2, 6])
    np.testing.assert_array_equal(centre_pixels(8, 8), np.arange(8))
    np.testing.assert_array_equal(centre_pixels(3, 224), [37, 112, 186])  # 37.33, 112, 186.67


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_stored_precision_is_computed_in_double(dtype: type) -> None:
    assert upsample(np.ones((1, 2, 3), dtype), (4, 5)).dtype == np.float64
