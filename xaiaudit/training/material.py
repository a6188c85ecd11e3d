"""What a run is trained and tested on: images read, split by case and brought to the network's grid."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from xaiaudit.data import Dataset, Split, read_samples, split_dataset
from xaiaudit.data.datasets import LESION_CLASSES
from xaiaudit.errors import DataError, UsageError
from xaiaudit.training.arrays import prepare_all
from xaiaudit.training.outlines import kept_outlines
from xaiaudit.training.recipe import Recipe
from xaiaudit.types import LeftOut, Preprocessing, Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Samples with labels, as read and as prepared, in the order of the dataset; `split` points into them."""

    dataset: Dataset
    samples: list[Sample]
    prepared: list[Sample]
    split: Split
    left_out: list[LeftOut]

    def by_lesion(self) -> "Material":
        """The same images in the same split, labelled by whether they show a lesion."""
        return self._relabelled(self.dataset.by_lesion())

    def with_background(self) -> "Material":
        """The same images in the same split; those labelled normal have no label: to a detector they are background."""
        return self._relabelled(self.dataset.with_background())

    def _relabelled(self, dataset: Dataset) -> "Material":
        labels = [entry.label for entry in dataset.entries]
        samples, prepared = (
            [replace(sample, label=label) for sample, label in zip(given, labels, strict=True)]
            for given in (self.samples, self.prepared)
        )
        return replace(self, dataset=dataset, samples=samples, prepared=prepared)

    @property
    def classes(self) -> tuple[str, ...]:
        """What a model of these images decides between."""
        found = self.dataset.classes
        return LESION_CLASSES if set(found) <= set(LESION_CLASSES) else found

    def part(self, rows: Sequence[int]) -> list[Sample]:
        return [self.prepared[row] for row in rows]

    def cases(self, rows: Sequence[int]) -> list[str]:
        return [self.split.cases[row] for row in rows]

    def outlined(self, share: float) -> tuple[int, ...]:
        """Which training images keep their outline, as positions in `split.train`; see `outlines.kept_outlines`."""
        train = self.split.train
        return kept_outlines(self.part(train), self.cases(train), share, self.split.seed)

    @property
    def digest(self) -> str:
        """Of all that a run can learn from the images, and what each is used for."""
        return learnt_digest(self.samples, repr(self.split))


def learnt_digest(samples: Sequence[Sample], used: str) -> str:
    """SHA-256 of pixels, labels and outlines, and of what is said of their use."""
    whole = hashlib.sha256(used.encode())
    for sample in samples:
        whole.update(f"\n{sample.sha256} {sample.label} ".encode())
        whole.update(b"" if sample.mask is None else np.packbits(sample.mask).tobytes())
    return whole.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A dataset's images that can be read and have a label, before any split."""

    dataset: Dataset
    samples: list[Sample]
    left_out: list[LeftOut]

    def material(self, split: Split, preprocessing: Preprocessing, workers: int = 2) -> Material:
        """These images in a split, on the grid of a network."""
        return Material(
            dataset=self.dataset,
            samples=self.samples,
            prepared=prepare_all(self.samples, preprocessing, workers),
            split=split,
            left_out=self.left_out,
        )


def read_labelled(
    dataset: Dataset, *, positive: str, limit: int | None = None, seed: int = 0, strict: bool = False
) -> Reading:
    """Read all. Images that cannot be read or have no label are left out and named; `limit` are drawn by the seed.

    Raises:
        UsageError: no image is of the positive class.
        DataError: with `strict`, an image cannot be read; no image is left.
    """
    check_positive(positive, dataset)
    dataset = dataset.drawn(limit, seed)
    samples, left_out = read_samples(dataset, strict=strict)
    left_out += [LeftOut(s.name, "no label, so nothing to learn from") for s in samples if s.label is None]
    samples = [sample for sample in samples if sample.label is not None]
    if not samples:
        raise DataError(
            f"{dataset.path}: none of the {len(dataset)} images can be read and has a label, and training "
            "needs both; see `xaiaudit data check`"
        )
    usable = {(sample.dataset, sample.file) for sample in samples}
    kept = [row for row, entry in enumerate(dataset.entries) if (entry.dataset, entry.file) in usable]
    if len(kept) < len(dataset):
        dataset = dataset.subset(kept, "images that can be read and have a label")
    return Reading(dataset=dataset, samples=samples, left_out=left_out)


def gather(
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    seed: int,
    fractions: tuple[float, float, float],
    positive: str,
    limit: int | None = None,
    workers: int = 2,
    strict: bool = False,
) -> Material:
    """Read, split and prepare. Errors as in `read_labelled`, and DataError for a single class or too few cases."""
    reading = read_labelled(dataset, positive=positive, limit=limit, seed=seed, strict=strict)
    split = split_dataset(reading.dataset, reading.samples, seed=seed, fractions=fractions)
    return reading.material(split, preprocessing, workers)


def check_outlines(train: Sequence[Sample], dataset: Dataset, architecture: str) -> None:
    """Raises DataError where a network with a mask has no lesion to learn it from."""
    if not any(sample.mask is not None and sample.mask.any() for sample in train):
        raise DataError(
            f"{architecture} learns to outline lesions, and none of the {len(train)} training images of "
            f"{dataset.path} has a lesion mask; add masks or train a classifier"
        )


def check_no_mask(recipe: Recipe, architecture: str) -> None:
    """Raises UsageError where a recipe speaks of outlines to a network that gives none."""
    if recipe.mask_epochs or recipe.mask_share < 1 or recipe.mask_boxes or recipe.pseudo_weight:
        raise UsageError(
            f"{architecture} gives no mask, so that there is nothing that mask epochs, a mask share, boxes or "
            "pseudo-labels could teach it; leave them out, or take a network that outlines lesions"
        )


def check_positive(positive: str, dataset: Dataset) -> None:
    """Raises UsageError where no image of a labelled dataset is of the positive class."""
    if not dataset.classes or positive in dataset.classes:
        return
    near = get_close_matches(positive, dataset.classes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "name one of these as positive"
    if not near and dataset.kind == "folder":
        hint += "; if this is a published dataset, --dataset (in a benchmark kind) names what of its layout is missing"
    classes = ", ".join(dataset.classes)
    raise UsageError(
        f"no image of {dataset.path} is labelled {positive!r}: the classes are {classes}; {hint}"
    )
