"""Case-level, stratified, seeded splits that keep near-duplicates together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from xaiaudit.data.cases import cases_of, positions
from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import DataError, UsageError
from xaiaudit.types import Sample

FRACTIONS = (0.7, 0.1, 0.2)  # of the images of each class, in train, validation and test
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which images train, validate and test; numbers are positions in the dataset, ascending."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    excluded_from_test: tuple[int, ...]  # in train, because images of one case have two labels
    cases: tuple[str, ...]  # one an image
    seed: int
    words: str  # the split in one line, for reports


@dataclass(frozen=True)
class _Case:
    name: str
    images: tuple[int, ...]


def split_dataset(
    dataset: Dataset,
    samples: Sequence[Sample],
    *,
    seed: int,
    fractions: tuple[float, float, float] = FRACTIONS,
) -> Split:
    """Divide a dataset's samples (all of them, in order) by case, with the same fractions of each class.

    The cases are those of `cases_of`. A case with two labels is wrong about one of them and goes to train.
    Every class has at least one case in each part whose fraction is not 0. The same images give the same
    split in any order.

    Raises:
        UsageError: fractions that are negative or do not sum to 1.
        DataError: samples that are not the dataset's; without label; a single class, or too few cases of one.
    """
    labels, cases = _labels_and_cases(dataset, samples)
    return split_cases(labels, cases, seed=seed, fractions=fractions)


def kfold(
    dataset: Dataset, samples: Sequence[Sample], *, folds: int = 5, seed: int, validation: float = 0.1
) -> list[Split]:
    """Splits of which each case is tested exactly once; `validation` is the fraction of each class, as above.

    Cases with two labels are in every fold's train. Errors as in `split_dataset`.
    """
    labels, cases = _labels_and_cases(dataset, samples)
    return kfold_cases(labels, cases, folds=folds, seed=seed, validation=validation)


def _labels_and_cases(dataset: Dataset, samples: Sequence[Sample]) -> tuple[list[str], tuple[str, ...]]:
    if len(samples) != len(dataset):
        raise DataError(
            f"{dataset.path}: {len(samples)} of {len(dataset)} images could be read, and a split's numbers "
            "must fit its dataset; take the readable ones first (Dataset.subset)"
        )
    labels = [sample.label for sample in samples if sample.label is not None]
    if len(labels) < len(samples):
        first = next(sample.name for sample in samples if sample.label is None)
        raise DataError(
            f"{len(samples) - len(labels)} of {len(samples)} images have no label (the first: {first}), and "
            "a split keeps the share of each class; label them or leave them out"
        )
    return labels, cases_of(samples)


def split_cases(
    labels: Sequence[str],
    cases: Sequence[str],
    *,
    seed: int,
    fractions: tuple[float, float, float] = FRACTIONS,
) -> Split:
    """`split_dataset` for labels and cases at hand, one of each an image."""
    _check_fractions(fractions)
    held_out: list[_Case] = []
    tested: list[_Case] = []
    for of_class in _shuffled_classes(labels, cases, seed):
        total = sum(len(case.images) for case in of_class)
        test = _take(of_class, fractions[2] * total, leave=1 + (fractions[1] > 0))
        rest = [case for case in of_class if case not in test]
        tested += test
        held_out += _take(rest, fractions[1] * total, leave=1)
    split = _split(labels, cases, held_out, tested, seed, f"seed {seed}")
    _check_classes(split, labels, fractions)
    return split


def kfold_cases(
    labels: Sequence[str], cases: Sequence[str], *, folds: int = 5, seed: int, validation: float = 0.1
) -> list[Split]:
    """`kfold` for labels and cases at hand, one of each an image."""
    if folds < 2:
        raise UsageError(f"{folds} folds: a part to train on and one to test on need at least 2")
    fractions = (1 - validation - 1 / folds, validation, 1 / folds)
    _check_fractions(fractions)
    classes = _shuffled_classes(labels, cases, seed)
    fold_of = _deal(classes, folds)
    splits = []
    for fold in range(folds):
        held_out: list[_Case] = []
        for of_class in classes:
            rest = [case for case in of_class if fold_of[case] != fold]
            held_out += _take(rest, validation * sum(len(case.images) for case in of_class), leave=1)
        tested = [case for case in fold_of if fold_of[case] == fold]
        split = _split(labels, cases, held_out, tested, seed, f"fold {fold + 1} of {folds}, seed {seed}")
        _check_classes(split, labels, fractions)
        splits.append(split)
    return splits


def _check_fractions(fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    if train <= 0 or validation < 0 or test < 0 or abs(sum(fractions) - 1) > 1e-6:
        got = ", ".join(f"{part} {value:g}" for part, value in zip(PARTS, fractions, strict=True))
        raise UsageError(
            f"fractions {got} sum to {sum(fractions):g}; they must sum to 1, none below 0 and train above 0"
        )


def _shuffled_classes(labels: Sequence[str], cases: Sequence[str], seed: int) -> list[list[_Case]]:
    """The cases with one label, by class and in seeded order, which does not depend on the images' order."""
    by_class: dict[str, list[_Case]] = {label: [] for label in sorted(set(labels))}
    if len(by_class) < 2:
        raise DataError(
            f"a split needs two classes, got {', '.join(by_class) or 'no images'}; check the labels"
        )
    for name, images in sorted(positions(cases).items()):
        own = {labels[image] for image in images}
        if len(own) == 1:
            by_class[own.pop()].append(_Case(name, tuple(images)))
    rng = np.random.default_rng(seed)
    return [[of_class[k] for k in rng.permutation(len(of_class))] for of_class in by_class.values()]


def _take(cases: Sequence[_Case], target: float, leave: int) -> list[_Case]:
    """Cases, in order, each of which brings the number of images nearer to the target; one at least, if any.

    `leave` cases stay for the other parts.
    """
    able = len(cases) - leave
    if target <= 0 or able <= 0:
        return []
    taken: list[_Case] = []
    missing = target
    for case in cases:
        if len(taken) < able and abs(missing - len(case.images)) < missing:
            taken.append(case)
            missing -= len(case.images)
    return taken or [min(cases, key=lambda case: len(case.images))]


def _deal(classes: Iterable[Sequence[_Case]], folds: int) -> dict[_Case, int]:
    """A fold for each case: the largest first, to where the class, then the whole, has the fewest images."""
    whole = [0] * folds
    fold_of: dict[_Case, int] = {}
    for of_class in classes:
        own = [0] * folds
        for case in sorted(of_class, key=lambda case: -len(case.images)):
            fold = min(range(folds), key=lambda k: (own[k], whole[k]))
            fold_of[case] = fold
            own[fold] += len(case.images)
            whole[fold] += len(case.images)
    return fold_of


def _split(
    labels: Sequence[str],
    cases: Sequence[str],
    held_out: Sequence[_Case],
    tested: Sequence[_Case],
    seed: int,
    words: str,
) -> Split:
    validation = sorted(image for case in held_out for image in case.images)
    test = sorted(image for case in tested for image in case.images)
    train = sorted(set(range(len(labels))) - set(validation) - set(test))
    two_labels = {case for case, images in positions(cases).items() if len({labels[k] for k in images}) > 1}
    excluded = [image for image in train if cases[image] in two_labels]
    counts = ", ".join(
        f"{part} {len(images)} images of {len({cases[k] for k in images})} cases"
        for part, images in zip(PARTS, (train, validation, test), strict=True)
    )
    if excluded:
        counts += f"; {len(excluded)} images of {len(two_labels)} cases with two labels are kept in train"
    return Split(
        train=tuple(train),
        validation=tuple(validation),
        test=tuple(test),
        excluded_from_test=tuple(excluded),
        cases=tuple(cases),
        seed=seed,
        words=f"case-level split, {words}: {counts}",
    )


def _check_classes(split: Split, labels: Sequence[str], fractions: tuple[float, float, float]) -> None:
    for part, images, fraction in zip(
        PARTS, (split.train, split.validation, split.test), fractions, strict=True
    ):
        missing = set(labels) - {labels[image] for image in images}
        if fraction > 0 and missing:
            label = min(missing)
            two_labels = {split.cases[image] for image in split.excluded_from_test}
            own = {case for case, of in zip(split.cases, labels, strict=True) if of == label} - two_labels
            raise DataError(
                f"class {label} has {len(own)} cases of its own, too few to have one in {part} "
                f"({split.words.split(':')[0]}); leave the class out, add images, or ask for fewer parts"
            )
