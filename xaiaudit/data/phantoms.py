"""Phantoms as a dataset: in memory, or written as images with a manifest."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.phantom_features import Cue, Label, PhantomFeatures, draw_features, neutral
from xaiaudit.data.phantom_image import PhantomSpec, attributes, phantom
from xaiaudit.data.phantom_scanner import Scanner
from xaiaudit.errors import DataError, UsageError
from xaiaudit.types import Sample

__all__ = ["PhantomDataset", "PhantomSpec", "neutralised", "phantom", "phantom_dataset", "write_phantoms"]


@dataclass(frozen=True, kw_only=True)
class PhantomEntry(Entry):
    """A phantom before it is simulated."""

    features: PhantomFeatures
    spec: PhantomSpec
    stream: tuple[int, ...]  # what its random numbers start from


class PhantomDataset(Dataset):
    """Phantoms, simulated when asked for: nothing lies on a disk."""

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override] # one image, as in Dataset
        entry = self.entries[index]
        if not isinstance(entry, PhantomEntry):
            raise TypeError(f"{entry.file} is no phantom")
        rng = np.random.default_rng(entry.stream)
        label: Label = "malignant" if entry.label == "malignant" else "benign"
        return phantom(entry.features, rng, spec=entry.spec, label=label, file=entry.file, case=entry.case)


def phantom_dataset(
    n: int, *, seed: int = 0, size: int | tuple[int, int] = 224, cue: Cue | None = None
) -> PhantomDataset:
    """`n` phantoms, benign and malignant in turn, each a case of its own.

    Args:
        seed: image i depends on it and on i alone, never on `n`.
        size: pixels, of a square, or depth and width. Pixels are as high as wide; the width is 34 to 46 mm.
        cue: the only feature that tells the classes apart; None: all of them. See `draw_features`.
    """
    if n < 1 or seed < 0:
        raise UsageError(f"phantoms need a number of at least 1 and a seed of at least 0, got {n} and {seed}")
    shape = (size, size) if isinstance(size, int) else size
    return PhantomDataset(
        name="phantoms",
        kind="phantoms",
        path=Path("phantoms"),
        citation=f"Simulated by xaiaudit: seed {seed}, {f'{cue} the only cue' if cue else 'every cue'}",
        entries=tuple(_entry(number, seed, shape, cue) for number in range(n)),
    )


def neutralised(dataset: PhantomDataset, cue: Cue) -> PhantomDataset:
    """The same phantoms, breast, speckle and labels, with this cue half way between the classes in all of them.

    What differs between an image and its neutral twin is the cue, and how a model's answer differs is what the cue
    is worth to it.
    """
    entries = []
    for entry in dataset.entries:
        if not isinstance(entry, PhantomEntry):
            raise TypeError(f"{entry.file} is no phantom")
        features = neutral(entry.features, cue)
        entries.append(replace(entry, features=features, attributes=attributes(features)))
    return replace(dataset, entries=tuple(entries), selection=f"{cue} made neutral; {dataset.selection}")


def write_phantoms(
    folder: Path, n: int, *, seed: int = 0, size: int | tuple[int, int] = 224, cue: Cue | None = None
) -> Path:
    """Write the images of `phantom_dataset`, their masks and a manifest; returns the manifest's path.

    Raises:
        DataError: the folder is there and not empty.
    """
    dataset = phantom_dataset(n, seed=seed, size=size, cue=cue)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not an empty folder; name a new one for the phantoms")
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = [_write(sample, folder) for sample in dataset]
    manifest = folder / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return manifest


def _entry(number: int, seed: int, shape: tuple[int, int], cue: Cue | None) -> PhantomEntry:
    """Its lesion comes from one stream, its breast and scanner from two others."""
    label: Label = "malignant" if number % 2 else "benign"
    features = draw_features(label, np.random.default_rng((seed, number, 0)), cue)
    rng = np.random.default_rng((seed, number, 1))
    width = rng.uniform(34, 46)
    scanner = Scanner(
        lateral_mm=rng.uniform(0.45, 0.75),
        focus_mm=rng.uniform(12, 24),
        dynamic_range_db=rng.uniform(50, 62),
        gain_db=float(np.clip(rng.normal(0, 2.5), -6, 6)),
    )
    file = f"images/{number:05d}.png"
    return PhantomEntry(
        file=file,
        image=Path("phantoms", file),
        dataset="phantoms",
        label=label,
        case=f"{seed}-{number:05d}",
        attributes=attributes(features),
        features=features,
        spec=PhantomSpec(shape=shape, extent_mm=(width * shape[0] / shape[1], width), scanner=scanner),
        stream=(seed, number, 2),
    )


def _write(sample: Sample, folder: Path) -> dict[str, str]:
    """Image and mask as PNG; the sample's line of the manifest."""
    mask, spacing, boxes = sample.mask, sample.spacing, sample.boxes
    if mask is None or spacing is None or boxes is None:
        raise TypeError(f"{sample.file} is no phantom")
    mask_file = sample.file.replace("images/", "masks/")
    Image.fromarray(sample.image).save(folder / sample.file)
    Image.fromarray(mask.view(np.uint8) * np.uint8(255)).save(folder / mask_file)
    return {
        "image": sample.file,
        "mask": mask_file,
        "label": sample.label or "",
        "case": sample.case or "",
        "spacing_mm": "x".join(repr(float(value)) for value in spacing),
        "box": ";".join(",".join(f"{edge:g}" for edge in box) for box in boxes),
        **sample.attributes,
    }
