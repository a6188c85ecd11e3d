"""Preparing: every number that is bound to pixels must follow the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xaiaudit.data import pixel_hash, prepare, stack
from xaiaudit.errors import DataError
from xaiaudit.types import Preprocessing, Sample

PAD, STRETCH = Preprocessing(size=32, mode="pad"), Preprocessing(size=32, mode="stretch")
sides = st.integers(1, 120)
preprocessings = st.builds(Preprocessing, size=st.integers(8, 64), mode=st.sampled_from(["pad", "stretch"]))


def sample(image: np.ndarray, **known: object) -> Sample:
    return Sample(
        **{
            "image": image,
            "label": "benign",
            "mask": None,
            "case": "7",
            "file": "a.png",
            "dataset": "d",
            "sha256": pixel_hash(image),
            "source_shape": image.shape,
            **known,
        }
    )


def blank(rows: int, columns: int, **known: object) -> Sample:
    return sample(np.full((rows, columns), 100, np.uint8), **known)


def extent(valid: np.ndarray) -> tuple[int, int, int, int]:
    """First row, first column, and one past the last of each."""
    rows, columns = np.flatnonzero(valid.any(1)), np.flatnonzero(valid.any(0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


@settings(max_examples=150, deadline=None)
@given(rows=sides, columns=sides, preprocessing=preprocessings)
def test_the_affine_takes_the_corners_of_the_image_to_the_corners_of_its_valid_rectangle(
    rows: int, columns: int, preprocessing: Preprocessing
) -> None:
    prepared = prepare(blank(rows, columns), preprocessing)
    top, left, bottom, right = extent(prepared.valid)
    corners = np.array([[0, 0, 1], [columns, rows, 1]]).T
    np.testing.assert_allclose(prepared.affine @ corners, [[left, right], [top, bottom]], atol=1e-9)
    assert prepared.valid.sum() == (bottom - top) * (right - left)  # one rectangle, without holes


@settings(max_examples=150, deadline=None)
@given(rows=sides, columns=sides, preprocessing=preprocessings, spacing=st.tuples(*[st.floats(0.01, 1)] * 2))
def test_spacing_times_valid_size_is_the_physical_size(
    rows: int, columns: int, preprocessing: Preprocessing, spacing: tuple[float, float]
) -> None:
    prepared = prepare(blank(rows, columns, spacing=spacing), preprocessing)
    top, left, bottom, right = extent(prepared.valid)
    assert prepared.spacing[0] * (bottom - top) == pytest.approx(spacing[0] * rows)
    assert prepared.spacing[1] * (right - left) == pytest.approx(spacing[1] * columns)


@settings(max_examples=100, deadline=None)
@given(rows=sides, columns=sides, size=st.integers(8, 64))
def test_padding_is_black_centred_and_keeps_the_shape_to_half_a_pixel(
    rows: int, columns: int, size: int
) -> None:
    prepared = prepare(blank(rows, columns), Preprocessing(size=size))
    top, left, bottom, right = extent(prepared.valid)
    assert prepared.image.shape == (size, size)
    assert (prepared.image == np.where(prepared.valid, 100, 0)).all()
    assert max(bottom - top, right - left) == size
    assert 0 <= (size - bottom) - top <= 1
    assert 0 <= (size - right) - left <= 1
    scale = size / max(rows, columns)
    assert abs((bottom - top) - max(1, rows * scale)) <= 0.5
    assert abs((right - left) - max(1, columns * scale)) <= 0.5


@settings(max_examples=150, deadline=None)
@given(data=st.data(), rows=sides, columns=sides, preprocessing=preprocessings)
def test_a_box_follows_the_mask_it_was_drawn_around(
    data: st.DataObject, rows: int, columns: int, preprocessing: Preprocessing
) -> None:
    y0, x0 = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    y1, x1 = data.draw(st.integers(y0 + 1, rows)), data.draw(st.integers(x0 + 1, columns))
    mask = np.zeros((rows, columns), bool)
    mask[y0:y1, x0:x1] = True
    prepared = prepare(
        blank(rows, columns, mask=mask, boxes=np.array([[x0, y0, x1, y1]], np.float32)), preprocessing
    )
    assert prepared.mask.any()
    assert (prepared.mask <= prepared.valid).all()
    top, left, bottom, right = extent(prepared.mask)
    width, height = prepared.boxes[0, 2:] - prepared.boxes[0, :2]
    if min(width, height) >= 2:  # a thinner one has no fully covered row or column
        assert np.abs(prepared.boxes[0] - [left, top, right, bottom]).max() <= 0.5 + 1e-4
    corners = np.array([[x0, y0, 1], [x1, y1, 1]]).T
    np.testing.assert_allclose((prepared.affine @ corners).T.ravel(), prepared.boxes[0], atol=1e-4)
    assert prepared.boxes.dtype == np.float32


@settings(max_examples=100, deadline=None)
@given(data=st.data(), factor=st.integers(1, 4))
def test_a_pixel_is_lesion_when_half_of_its_area_is(data: st.DataObject, factor: int) -> None:
    seed = data.draw(st.integers(0, 1000))
    mask = np.random.default_rng(seed).random((8 * factor, 8 * factor)) < 0.5
    share = mask.reshape(8, factor, 8, factor).mean((1, 3))  # the blocks, by another route
    found = prepare(blank(*mask.shape, mask=mask), Preprocessing(size=8)).mask
    assert (found == (share >= 0.5)).all() or not (share >= 0.5).any()


def test_the_area_of_a_lesion_is_kept_at_every_scale() -> None:
    y, x = np.mgrid[:300, :400]
    mask = (y - 140) ** 2 / 60**2 + (x - 210) ** 2 / 90**2 < 1
    for size in (97, 224, 500):
        for mode in ("pad", "stretch"):
            prepared = prepare(blank(300, 400, mask=mask), Preprocessing(size=size, mode=mode))
            area = np.linalg.det(prepared.affine[:, :2])
            assert prepared.mask.sum() == pytest.approx(mask.sum() * area, rel=0.005)


def test_image_and_mask_stay_on_one_another() -> None:
    y, x = np.mgrid[:90, :130]
    disk = (y - 30) ** 2 + (x - 100) ** 2 < 18**2
    for preprocessing in (
        Preprocessing(size=64),
        Preprocessing(size=64, mode="stretch"),
        Preprocessing(size=300),
    ):
        prepared = prepare(sample(disk * np.uint8(255), mask=disk), preprocessing)
        bright = prepared.image / 255.0
        grid = np.mgrid[: preprocessing.size, : preprocessing.size]
        by_image = (grid * bright).sum((1, 2)) / bright.sum()
        by_mask = (grid * prepared.mask).sum((1, 2)) / prepared.mask.sum()
        assert np.abs(by_image - by_mask).max() < 0.25  # half a pixel would be a shift
        centre = prepared.affine @ [100.5, 30.5, 1]  # of the middle pixel
        assert np.abs(by_mask[::-1] + 0.5 - centre).max() < 0.25


def test_a_lesion_of_one_pixel_does_not_vanish() -> None:
    mask = np.zeros((320, 320), bool)
    mask[205, 101] = True
    found = prepare(blank(320, 320, mask=mask), PAD).mask
    assert np.argwhere(found).tolist() == [[20, 10]]
    thin = np.zeros((320, 320), bool)
    thin[96:104, 100:200] = True  # 0.4 pixels high in each of two rows, 10 wide
    assert prepare(blank(320, 320, mask=thin), PAD).mask.sum() == 8
    assert not prepare(blank(320, 320, mask=np.zeros((320, 320), bool)), PAD).mask.any()
    assert prepare(blank(320, 320), PAD).mask is None


def test_resizing_is_antialiased_and_rounded_to_8_bits() -> None:
    stripes = np.zeros((320, 320), np.uint8)
    stripes[:, ::2] = 200  # finer than the new grid: only their mean can be shown
    found = prepare(sample(stripes), PAD).image
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - 100).max() <= 4
    same = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    assert (prepare(sample(same), PAD).image == same).all()


def test_stretch_fills_the_grid_with_a_scale_for_each_axis() -> None:
    prepared = prepare(blank(64, 16, spacing=(0.1, 0.1)), STRETCH)
    assert prepared.valid.all()
    assert prepared.spacing == pytest.approx((0.2, 0.05))
    np.testing.assert_allclose(prepared.affine, [[2, 0, 0], [0, 0.5, 0]])


def test_preparing_twice_joins_the_affines_and_keeps_padding_as_padding() -> None:
    once = prepare(blank(20, 40, spacing=(0.1, 0.1)), PAD)
    twice = prepare(once, Preprocessing(size=64))
    top, left, bottom, right = extent(twice.valid)
    assert (top, left, bottom, right) == (16, 0, 48, 64)
    np.testing.assert_allclose(twice.affine @ [40, 20, 1], [64, 48])
    assert twice.spacing == pytest.approx((0.0625, 0.0625))
    assert twice.source_shape == (20, 40)


def test_what_is_not_bound_to_pixels_stays() -> None:
    before = blank(20, 40, attributes={"device": "x"})
    after = prepare(before, PAD)
    for name in ("label", "case", "file", "dataset", "sha256", "source_shape", "attributes", "frame", "name"):
        assert getattr(after, name) == getattr(before, name)
    assert after.spacing is None
    assert after.boxes is None


def test_a_batch_holds_the_samples_in_order() -> None:
    mask = np.zeros((20, 40), bool)
    mask[5:15, 5:15] = True
    prepared = [
        prepare(blank(20, 40, mask=mask, spacing=(0.1, 0.2)), PAD),
        prepare(sample(np.full((9, 9), 255, np.uint8), file="b.png", label=None, case=None), PAD),
    ]
    batch = stack(prepared)
    assert batch.images.shape == batch.valid.shape == (2, 1, 32, 32)
    assert batch.images.dtype == np.float32
    assert (batch.images[:, 0] * 255 == [s.image for s in prepared]).all()  # on the 8-bit grid
    assert batch.images[1].max() == 1.0
    assert (batch.masks[0] == prepared[0].mask).all()
    assert not batch.masks[1].any()
    assert batch.has_mask.tolist() == [True, False]
    assert batch.names == ("d/a.png", "d/b.png")
    assert batch.labels == ("benign", None)
    assert batch.cases == ("7", None)
    assert batch.spacing[0] == pytest.approx((0.125, 0.25))
    assert np.isnan(batch.spacing[1]).all()


def test_a_batch_needs_one_shape() -> None:
    with pytest.raises(DataError, match=r"one shape, got \[\(9, 9\), \(32, 32\)\]"):
        stack([prepare(blank(9, 9), PAD), blank(9, 9)])
    with pytest.raises(DataError, match="one shape, got none"):
        stack([])
