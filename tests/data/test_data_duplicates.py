"""Near-duplicates: correlation by hand, groups by plain closure, fingerprints by their closed form."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from xaiaudit.data.duplicates import (
    BITS,
    NEAR,
    NEAR_BITS,
    SAME_SCAN,
    connected,
    duplicate_groups,
    fingerprint,
    fingerprints,
    near,
    similar_pairs,
    thumbnails,
)
from xaiaudit.types import GreyImage


def scan(seed: int, shape: tuple[int, int] = (180, 240)) -> GreyImage:
    """A smooth random picture; two seeds hardly correlate."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 9)
    return np.clip(120 + 900 * noise, 5, 250).astype(np.uint8)


def resized(image: GreyImage, size: tuple[int, int]) -> GreyImage:
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def test_the_product_of_thumbnails_is_the_correlation_of_the_32_pixel_images() -> None:
    images = [np.asarray(Image.fromarray(scan(seed)).resize((32, 32))) for seed in range(3)]
    thumbs = thumbnails(images)
    expected = np.corrcoef([image.ravel() for image in images])
    np.testing.assert_allclose(thumbs @ thumbs.T, expected, atol=1e-5)
    assert thumbs.dtype == np.float32
    assert thumbs.shape == (3, 1024)


def test_a_scan_at_another_size_brightness_and_with_a_caliper_is_a_near_duplicate() -> None:
    original = scan(0)
    caliper = original.copy()
    caliper[60, 40:56] = 255
    darker = (original * 0.6).astype(np.uint8)
    groups = duplicate_groups([original, resized(original, (352, 260)), caliper, darker, scan(1)])
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def test_flat_images_are_duplicates_of_nothing_not_even_of_each_other() -> None:
    flat = [np.full((50, 70), level, dtype=np.uint8) for level in (0, 0, 7, 255)]
    assert len(set(duplicate_groups(flat))) == 4
    prints = [fingerprint(image) for image in flat]
    assert not near(prints, prints).any()


def test_a_shared_letterbox_does_not_make_duplicates_and_a_missing_one_does_not_hide_them() -> None:
    boxed = [np.pad(scan(seed), ((200, 200), (0, 0))) for seed in range(4)]
    with_frame = np.array([np.asarray(Image.fromarray(image).resize((32, 32))).ravel() for image in boxed])
    assert np.corrcoef(with_frame)[0, 1] > 0.8  # what the frame alone would do
    assert len(set(duplicate_groups(boxed, threshold=0.5))) == 4
    assert similar_pairs(thumbnails([scan(0), boxed[0]])).tolist() == [[0, 1]]


def test_groups_are_transitive() -> None:
    rng = np.random.default_rng(0)
    a, b = np.linalg.qr(rng.standard_normal((1024, 2)))[0].T.astype(np.float32)
    angles = np.arccos(0.995) * np.arange(4)  # neighbours correlate 0.995, second neighbours 0.98
    chain = np.array([np.cos(t) * a + np.sin(t) * b for t in angles], dtype=np.float32)
    pairs = similar_pairs(chain)
    assert pairs.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert len(set(connected(pairs, 4))) == 1


def test_blocks_of_thumbnails_find_what_one_matrix_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [scan(seed // 2) for seed in range(11)]
    thumbs = thumbnails(images)
    whole = similar_pairs(thumbs)
    monkeypatch.setattr("xaiaudit.data.duplicates.BLOCK", 3)
    assert similar_pairs(thumbs).tolist() == whole.tolist() == [[2 * k, 2 * k + 1] for k in range(5)]


def test_no_images_make_no_groups() -> None:
    assert duplicate_groups([]).shape == (0,)
    assert near([], [fingerprint(scan(0))]).shape == (0,)
    assert near([fingerprint(scan(0))], []).tolist() == [False]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20))
def test_closure_equals_joining_sets_one_by_one(edges: list[tuple[int, int]]) -> None:
    sets = [{k} for k in range(15)]
    for i, j in edges:
        joined = sets[i] | sets[j]
        for k in joined:
            sets[k] = joined
    groups = connected(np.array(edges, dtype=np.intp).reshape(-1, 2), 15)
    assert all((groups[i] == groups[j]) == (j in sets[i]) for i in range(15) for j in range(15))


@pytest.mark.parametrize("correlation", [0.999, 0.99, 0.97, 0.9, 0.5, 0.0, -0.7])
def test_fingerprint_bits_differ_with_probability_arccos_r_over_pi(correlation: float) -> None:
    rng = np.random.default_rng(3)
    trials = 300
    a = rng.standard_normal((trials, 1024))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = rng.standard_normal((trials, 1024))
    b -= (a * b).sum(1, keepdims=True) * a
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    c = correlation * a + np.sqrt(1 - correlation**2) * b
    prints = [fingerprints(x.astype(np.float32)) for x in (a, c)]
    differing = sum((int(p, 16) ^ int(q, 16)).bit_count() for p, q in zip(*prints, strict=True))
    expected = np.arccos(correlation) / np.pi
    error = np.sqrt(expected * (1 - expected) / (BITS * trials))
    assert differing / (BITS * trials) == pytest.approx(expected, abs=4 * error)


def test_near_counts_bits_and_its_limit_is_inclusive() -> None:
    value = int(fingerprint(scan(0)), 16)

    def with_flips(count: int) -> str:
        return f"{value ^ ((1 << count) - 1):0{BITS // 4}x}"

    others = [with_flips(0), with_flips(NEAR_BITS), with_flips(NEAR_BITS + 1)]
    assert near(others, [with_flips(0)]).tolist() == [True, True, False]
    assert near([with_flips(0)], others[2:]).tolist() == [False]


def test_fingerprints_stay_the_same_between_versions_of_the_project() -> None:
    """Old checkpoints hold them: if this fails, their leak checks are void."""
    ramp = np.add.outer(np.arange(64) * 2, np.arange(64)).astype(np.uint8)
    assert fingerprint(ramp)[:32] == "55c005023d71aa091231bbc5fadcd7e1"


def test_a_string_that_is_no_fingerprint_is_refused() -> None:
    with pytest.raises(ValueError, match="128 hexadecimal digits, got 'abcd'"):
        near(["abcd"], [fingerprint(scan(0))])


def busi(folder: Path) -> dict[str, GreyImage]:
    files = sorted(file for file in folder.glob("busi/*/*.png") if "_mask" not in file.name)
    return {file.stem: np.asarray(Image.open(file).convert("L")) for file in files}


def test_busi_holds_the_duplicates_that_are_known(test_data: Path) -> None:
    images = busi(test_data)
    names = list(images)
    thumbs = thumbnails(list(images.values()))
    groups = connected(similar_pairs(thumbs, NEAR), len(names))
    sizes = np.bincount(groups)
    assert 95 <= (sizes > 1).sum() <= 110
    assert sizes.max() == 4
    by_name = dict(zip(names, groups, strict=True))
    for known in (
        ("benign (433)", "malignant (145)"),
        ("benign (42)", "benign (131)", "malignant (51)"),
        ("benign (399)", "malignant (93)"),
        ("benign (85)", "malignant (52)"),
    ):
        assert len({by_name[name] for name in known}) == 1, known
    assert np.bincount(connected(similar_pairs(thumbs, SAME_SCAN), len(names))).max() == 7


def test_fingerprints_find_busis_near_duplicates_and_no_strangers(test_data: Path) -> None:
    thumbs = thumbnails(list(busi(test_data).values()))
    values = np.array([list(bytes.fromhex(value)) for value in fingerprints(thumbs)], dtype=np.uint8)
    distances = np.array([np.bitwise_count(values ^ row).sum(1) for row in values])
    above = np.triu_indices(len(thumbs), 1)
    correlation, called = (thumbs @ thumbs.T)[above], (distances <= NEAR_BITS)[above]
    assert called[correlation > NEAR].all()
    assert called[(correlation > 0.97) & (correlation <= NEAR)].mean() > 0.8
    assert called[correlation < 0.97].sum() <= 2
    assert not called[correlation < SAME_SCAN].any()
