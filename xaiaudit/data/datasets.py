"""What every dataset is, whatever layout it was read from: an immutable sequence of samples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import pixel_hash
from xaiaudit.types import LeftOut, Sample

LESION_CLASSES = ("no lesion", "lesion")  # of a network that outlines lesions and makes no diagnosis
_FIRST = ("benign", "malignant", "normal")  # the order of the classes; others follow by the alphabet


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset(Sequence[Sample]):
    """Samples on their source grid, decoded when asked for. `dataset[i]` raises DataError naming the file.

    `left_out` names files found unusable while listing; `selection` says in words which images of the folder
    these are. A joined dataset has several `parts`, and its samples carry the name of their own.
    """

    name: str
    kind: str  # of registry.DATASETS, or "joined"
    path: Path
    citation: str
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()
    selection: str = "all"
    joined: tuple["Dataset", ...] = ()

    @property
    def parts(self) -> tuple["Dataset", ...]:
        return self.joined or (self,)

    def part_of(self, index: int) -> int:
        """Which of `parts` image `index` belongs to."""
        return [part.name for part in self.parts].index(self.entries[index].dataset) if self.joined else 0

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Labels that occur: benign, malignant, normal, then by the alphabet."""
        return ordered({entry.label for entry in self.entries} - {None})

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override] # one image; `subset` takes several
        entry = self.entries[index]
        pixels = entry.pixels()
        return Sample(
            image=pixels.image,
            label=entry.label,
            mask=entry.outline(pixels),
            case=entry.case,
            file=entry.file,
            dataset=entry.dataset,
            sha256=pixel_hash(pixels.image),
            source_shape=pixels.source_shape,
            affine=pixels.affine,
            spacing=entry.spacing,
            boxes=None if entry.boxes is None else np.array(entry.boxes, np.float32).reshape(-1, 4),
            attributes=entry.attributes,
        )

    def subset(self, indices: Sequence[int], selection: str) -> "Dataset":
        """These images in this order; `selection` says which. Files left out while listing stay named."""
        chosen = tuple(self.entries[i] for i in indices)
        words = selection if self.selection == "all" else f"{selection}; {self.selection}"
        kept = {(entry.dataset, entry.file) for entry in chosen}
        joined = tuple(
            part.subset([i for i, e in enumerate(part.entries) if (e.dataset, e.file) in kept], selection)
            for part in self.joined
        )
        return replace(self, entries=chosen, selection=words, joined=joined)

    def outlined(self) -> "Dataset":
        """The images whose outline is known, or that have no lesion; the others are named as left out."""
        kept = [index for index, entry in enumerate(self.entries) if entry.outlined or entry.no_lesion]
        if len(kept) == len(self):
            return self
        reason = "no outline, which the model takes as a channel of its input"
        missing = [LeftOut(e.file, reason) for e in self.entries if not e.outlined and not e.no_lesion]
        return replace(self.subset(kept, "images with an outline"), left_out=(*self.left_out, *missing))

    def by_lesion(self) -> "Dataset":
        """The same images labelled by whether they show a lesion, `LESION_CLASSES`, whatever its diagnosis."""
        relabelled = tuple(replace(entry, label=lesion_label(entry)) for entry in self.entries)
        return replace(self, entries=relabelled, joined=tuple(part.by_lesion() for part in self.joined))

    def with_background(self) -> "Dataset":
        """The same images; those labelled normal have no label: to a detector they are background, no class."""
        entries = tuple(replace(e, label=None) if e.label == "normal" else e for e in self.entries)
        return replace(self, entries=entries, joined=tuple(part.with_background() for part in self.joined))

    def drawn(self, limit: int | None, seed: int) -> "Dataset":
        """At most `limit` images, drawn by the seed, in their order; None: all. A folder's first would be one class."""
        if limit is None or limit >= len(self):
            return self
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[:limit]).tolist()
        return self.subset(rows, f"{limit} of {len(self)} images at random, seed {seed}")

    def describe(self) -> str:
        """One line, e.g. "BUSI, 647 images (437 benign, 210 malignant), 133 normals left out"."""
        if self.joined:
            return "; ".join(part.describe() for part in self.joined)
        counts = Counter(entry.label or "unlabelled" for entry in self.entries)
        words = ", ".join(
            f"{counts[label]} {label}" for label in (*self.classes, "unlabelled") if counts[label]
        )
        line = f"{self.name}, {counted(len(self), 'image')} ({words})"
        if self.selection != "all":
            line += f", {self.selection}"
        if self.left_out:
            line += f", {counted(len(self.left_out), 'file')} left out as unusable"
        return line


def lesion_label(entry: Entry) -> str | None:
    """Of `LESION_CLASSES`; None where nothing is known. An image of a normal breast has no lesion."""
    if entry.label is None and not entry.outlined and not entry.no_lesion:
        return None
    return LESION_CLASSES[not (entry.no_lesion or entry.label in ("normal", LESION_CLASSES[0]))]


def clean_label(text: str) -> str | None:
    """`Benign` and `benign ` are one class; names beyond the three stay as they are."""
    text = text.strip()
    return text.lower() if text.lower() in _FIRST else text or None


def ordered(labels: set[str | None]) -> tuple[str, ...]:
    named = {label for label in labels if label is not None}
    return tuple(label for label in _FIRST if label in named) + tuple(sorted(named - set(_FIRST)))


def counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
