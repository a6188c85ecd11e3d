"""Splits: properties over any structure of cases, errors, and the real images."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.model_selection import StratifiedGroupKFold

from xaiaudit.data import pixel_hash, read_samples
from xaiaudit.data.cases import cases_of
from xaiaudit.data.datasets import Dataset
from xaiaudit.data.opening import open_dataset
from xaiaudit.data.splits import Split, kfold, kfold_cases, split_cases, split_dataset
from xaiaudit.errors import DataError, UsageError
from xaiaudit.types import GreyImage, Sample

Structure = tuple[list[str], list[str]]  # labels, cases


def structure(sizes: Sequence[tuple[str, int]], seed: int = 0) -> Structure:
    """Labels and cases of images in random order, for cases of a label and a size."""
    images = [(label, f"case {k}") for k, (label, size) in enumerate(sizes) for _ in range(size)]
    order = np.random.default_rng(seed).permutation(len(images))
    return [images[k][0] for k in order], [images[k][1] for k in order]


cases_with_sizes = st.lists(
    st.tuples(st.sampled_from(["benign", "malignant", "mixed"]), st.integers(1, 5)), min_size=12, max_size=60
)


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    drawn = draw(cases_with_sizes)
    counts = Counter(label for label, _ in drawn)
    assume(min(counts["benign"], counts["malignant"]) >= 4)
    labels, cases = structure(drawn, seed=draw(st.integers(0, 9)))
    mixed = iter(["benign", "malignant"] * len(labels))
    return [next(mixed) if label == "mixed" else label for label in labels], cases


def names(images: Sequence[int], cases: Sequence[str]) -> set[str]:
    return {cases[image] for image in images}


@settings(max_examples=80, deadline=None)
@given(structures(), st.integers(0, 5))
def test_parts_are_disjoint_complete_by_case_and_hold_every_class(given: Structure, seed: int) -> None:
    labels, cases = given
    split = split_cases(labels, cases, seed=seed)
    parts = (split.train, split.validation, split.test)
    assert sorted(image for part in parts for image in part) == list(range(len(labels)))
    assert all(list(part) == sorted(part) for part in parts)
    assert not names(split.train, cases) & names(split.validation, cases)
    assert not names(split.train, cases) & names(split.test, cases)
    assert not names(split.validation, cases) & names(split.test, cases)
    assert all({labels[image] for image in part} == {"benign", "malignant"} for part in parts)


@settings(max_examples=50, deadline=None)
@given(structures())
def test_cases_with_two_labels_train_only_and_are_listed(given: Structure) -> None:
    labels, cases = given
    two = {
        case
        for case in cases
        if len({label for label, c in zip(labels, cases, strict=True) if c == case}) > 1
    }
    split = split_cases(labels, cases, seed=0)
    assert names(split.excluded_from_test, cases) == two
    assert set(split.excluded_from_test) == {image for image, case in enumerate(cases) if case in two}
    assert set(split.excluded_from_test) <= set(split.train)


@settings(max_examples=50, deadline=None)
@given(structures(), st.integers(0, 5), st.randoms())
def test_the_seed_alone_decides_and_not_the_order_of_the_images(given: Structure, seed: int, random) -> None:  # type: ignore[no-untyped-def] # hypothesis gives random.Random
    labels, cases = given
    order = list(range(len(labels)))
    random.shuffle(order)
    split = split_cases(labels, cases, seed=seed)
    shuffled = split_cases([labels[k] for k in order], [cases[k] for k in order], seed=seed)
    assert split == split_cases(labels, cases, seed=seed)
    assert {order[image] for image in shuffled.test} == set(split.test)
    assert {order[image] for image in shuffled.validation} == set(split.validation)


def test_another_seed_is_another_split() -> None:
    labels, cases = structure([("benign", 1)] * 50 + [("malignant", 1)] * 50)
    assert len({split_cases(labels, cases, seed=seed).test for seed in range(5)}) == 5


def busi_like(seed: int) -> Structure:
    """The class sizes of BUSI, and its sizes of duplicate groups."""
    rng = np.random.default_rng(seed)
    sizes = [1, 2, 3, 4, 7]
    drawn = [
        (label, sizes[k])
        for label in ("benign", "malignant")
        for k in rng.choice(5, 160, p=[0.7, 0.2, 0.05, 0.04, 0.01])
    ]
    return structure(drawn, seed)


@pytest.mark.parametrize(
    "fractions", [(0.7, 0.1, 0.2), (0.5, 0.25, 0.25), (0.8, 0.0, 0.2), (0.34, 0.33, 0.33)]
)
def test_fractions_hold_in_each_class_within_two_points(fractions: tuple[float, float, float]) -> None:
    for seed in range(10):
        labels, cases = busi_like(seed)
        split = split_cases(labels, cases, seed=seed, fractions=fractions)
        assert_fractions(split, labels, fractions)


def assert_fractions(split: Split, labels: Sequence[str], fractions: tuple[float, float, float]) -> None:
    usable = Counter(
        label for image, label in enumerate(labels) if image not in set(split.excluded_from_test)
    )
    for part, fraction in zip((split.train, split.validation, split.test), fractions, strict=True):
        counts = Counter(labels[image] for image in part if image not in set(split.excluded_from_test))
        for label, total in usable.items():
            assert counts[label] / total == pytest.approx(fraction, abs=0.02)


def test_a_part_of_fraction_zero_is_empty() -> None:
    labels, cases = structure([("benign", 1)] * 6 + [("malignant", 1)] * 6)
    assert split_cases(labels, cases, seed=0, fractions=(0.8, 0.0, 0.2)).validation == ()


def test_three_cases_of_a_class_are_enough_whatever_their_sizes() -> None:
    for sizes in ([1, 1, 1], [50, 1, 1], [5, 9, 2]):
        labels, cases = structure([("benign", size) for size in sizes] + [("malignant", 1)] * 30)
        for fractions in ((0.7, 0.1, 0.2), (0.1, 0.1, 0.8)):
            split = split_cases(labels, cases, seed=1, fractions=fractions)
            assert all(
                "benign" in {labels[k] for k in part} for part in (split.train, split.validation, split.test)
            )


@settings(max_examples=40, deadline=None)
@given(structures(), st.integers(2, 4), st.integers(0, 5))
def test_folds_test_every_case_of_one_label_once(given: Structure, folds: int, seed: int) -> None:
    labels, cases = given
    splits = kfold_cases(labels, cases, folds=folds, seed=seed, validation=0.0)
    excluded = set(splits[0].excluded_from_test)
    tested = [image for split in splits for image in split.test]
    assert sorted([*tested, *excluded]) == list(range(len(labels)))
    for split in splits:
        assert not names(split.train, cases) & names(split.test, cases)
        assert set(split.train) | set(split.test) == set(range(len(labels)))


def test_folds_are_as_balanced_as_those_of_scikit_learn() -> None:
    for seed in range(5):
        labels, cases = busi_like(seed)
        ours = [split.test for split in kfold_cases(labels, cases, folds=5, seed=seed)]
        theirs = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, cases)

        def worst(folds: Sequence[Sequence[int]], label: str, labels: list[str] = labels) -> float:
            shares = [sum(labels[k] == label for k in fold) / labels.count(label) for fold in folds]
            return max(abs(share - 0.2) for share in shares)

        folds = [test for _, test in theirs]
        for label in ("benign", "malignant"):
            assert worst(ours, label) <= max(worst(folds, label), 0.01)


def test_validation_of_a_fold_is_a_fraction_of_each_class() -> None:
    labels, cases = busi_like(0)
    for split in kfold_cases(labels, cases, folds=5, seed=0, validation=0.1):
        assert_fractions(split, labels, (0.7, 0.1, 0.2))


@pytest.mark.parametrize("fractions", [(0.7, 0.1, 0.3), (0.7, 0.1, 0.1), (1.1, -0.3, 0.2), (0.0, 0.5, 0.5)])
def test_fractions_that_are_none_are_refused_in_one_line(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match=r"^fractions train .* must sum to 1, none below 0") as error:
        split_cases(["benign", "malignant"], ["a", "b"], seed=0, fractions=fractions)
    assert "\n" not in str(error.value)


def test_a_single_class_cannot_be_split() -> None:
    with pytest.raises(DataError, match="needs two classes, got benign"):
        split_cases(["benign"] * 9, [str(k) for k in range(9)], seed=0)
    with pytest.raises(DataError, match="needs two classes, got no images"):
        split_cases([], [], seed=0)


def test_too_few_cases_are_named() -> None:
    labels, cases = structure([("benign", 1)] * 30 + [("malignant", 4)] * 2)
    with pytest.raises(
        DataError, match="class malignant has 2 cases of its own, too few to have one in test"
    ):
        split_cases(labels, cases, seed=0)
    with pytest.raises(
        DataError, match=r"class malignant has 2 cases of its own, .* \(case-level split, fold 1 of 5"
    ):
        kfold_cases(labels, cases, folds=5, seed=0)
    with pytest.raises(UsageError, match="1 folds"):
        kfold_cases(labels, cases, folds=1, seed=0)


def scan(seed: int) -> GreyImage:
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((60, 80)), 5)
    return np.clip(120 + 500 * noise, 5, 250).astype(np.uint8)


def sample(
    file: str, image: GreyImage, *, label: str | None = "benign", case: str | None = None, dataset: str = "A"
) -> Sample:
    return Sample(
        image=image,
        label=label,
        mask=None,
        case=case,
        file=file,
        dataset=dataset,
        sha256=pixel_hash(image),
        source_shape=(60, 80),
    )


def test_cases_join_by_id_by_scan_and_by_equal_pixels() -> None:
    flat = np.zeros((60, 80), dtype=np.uint8)
    samples = [
        sample("a", scan(0), case="1"),
        sample("b", scan(1), case="1"),
        sample("c", scan(2), case="2"),
        sample("d", (scan(1) * 0.8).astype(np.uint8), case="3"),  # the patient of case 1 again
        sample("e", scan(3), dataset="B", case="2"),  # another dataset's case 2
        sample("f", scan(2), dataset="B"),  # the scan of A's case 2
        sample("g", flat),
        sample("h", flat),  # equal pixels, though flat images correlate with nothing
        sample("i", np.full((60, 80), 9, dtype=np.uint8)),
    ]
    assert cases_of(samples) == ("A/1", "A/1", "A/2", "A/1", "B/2", "A/2", "A/g", "A/g", "A/i")
    backwards = cases_of(samples[::-1])
    assert backwards[::-1] == cases_of(samples)


def test_a_split_needs_labels_and_all_samples(tmp_path: Path) -> None:
    dataset = Dataset(name="A", kind="folder", path=tmp_path, citation="", entries=())
    with pytest.raises(DataError, match="1 of 0 images could be read"):
        split_dataset(dataset, [sample("a", scan(0))], seed=0)


@pytest.fixture(scope="module")
def busi(test_data: Path) -> tuple[Dataset, list[Sample]]:
    dataset = open_dataset(test_data / "busi")
    return dataset, read_samples(dataset)[0]


def test_busi_keeps_its_fractions_and_its_duplicates_together(busi: tuple[Dataset, list[Sample]]) -> None:
    dataset, samples = busi
    labels = [str(sample.label) for sample in samples]
    files = [sample.file for sample in samples]
    cases = cases_of(samples)
    for seed in range(10):
        split = split_cases(labels, cases, seed=seed)
        for part, fraction in ((split.train, 0.7), (split.validation, 0.1), (split.test, 0.2)):
            counts = Counter(labels[image] for image in part)
            for label, total in (("benign", 437), ("malignant", 210)):
                assert counts[label] / total == pytest.approx(fraction, abs=0.02)
        assert not names(split.train, cases) & names(split.test, cases)
    whole = split_dataset(dataset, samples, seed=3)
    assert whole == split_cases(labels, cases, seed=3)
    kept_out = {files[image] for image in whole.excluded_from_test}
    for known in (
        "benign (433)",
        "malignant (145)",
        "benign (42)",
        "benign (131)",
        "malignant (51)",
        "benign (399)",
    ):
        assert f"{known.split()[0]}/{known}.png" in kept_out
    assert len(kfold(dataset, samples, folds=5, seed=0)) == 5


def test_busbra_keeps_patients_together(test_data: Path) -> None:
    dataset = open_dataset(test_data / "busbra")
    samples, _ = read_samples(dataset)
    split = split_dataset(dataset, samples, seed=0)
    patients = {
        part: {samples[k].case for k in getattr(split, part)} for part in ("train", "validation", "test")
    }
    assert not patients["train"] & patients["test"]
    assert not patients["train"] & patients["validation"]
    assert not patients["validation"] & patients["test"]
    assert len(set(split.cases)) == len({sample.case for sample in samples}) == 320
