"""Held-out phantoms of a single cue beside their neutral twins, with the regions of each."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.phantom_features import PLACES, Cue
from xaiaudit.data.phantoms import PhantomDataset, neutralised
from xaiaudit.data.reading import pixel_hash
from xaiaudit.data.regions import regions
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Flags, Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Cases:
    """Phantoms, each a case of its own."""

    images: np.ndarray  # (n, 1, h, w) float32 in [0, 1]
    neutral: np.ndarray  # the same breasts and speckle with the cue half way between the classes
    codes: Codes  # region of each pixel of the original
    malignant: Flags
    names: tuple[str, ...]

    def spliced(self, places: Collection[str]) -> np.ndarray:
        """The images with these regions as the neutral twin shows them: without the cue there, all else as it was."""
        return np.where(inside(self.codes, places)[:, None], self.neutral, self.images)


def inside(codes: Codes, places: Collection[str]) -> np.ndarray:
    """Pixels of these regions, bool, the shape of `codes`."""
    return np.isin(codes, [REGIONS.index(place) for place in places])


def cases_of(dataset: PhantomDataset, cue: Cue) -> Cases:
    originals = list(dataset)
    return Cases(
        images=_stacked(originals),
        neutral=_stacked(list(neutralised(dataset, cue))),
        codes=np.stack([regions_of(sample) for sample in originals]),
        malignant=np.array([sample.label == "malignant" for sample in originals]),
        names=tuple(sample.case or sample.file for sample in originals),
    )


def regions_of(sample: Sample) -> np.ndarray:
    if sample.mask is None:
        raise TypeError(f"{sample.file} is no phantom")
    return regions(sample.mask, spacing=sample.spacing).codes


@dataclass(frozen=True, kw_only=True, eq=False)
class Blinded(Dataset):
    """Phantoms whose cue is neutral in its own place and there alone: what still tells them apart is a leak."""

    phantoms: PhantomDataset
    cue: Cue

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override] # one image, as in Dataset
        one = replace(self.phantoms, entries=(self.entries[index],))
        sample, twin = one[0], neutralised(one, self.cue)[0]
        image = np.where(inside(regions_of(sample), PLACES[self.cue]), twin.image, sample.image)
        return replace(sample, image=image, sha256=pixel_hash(image))


def blinded(phantoms: PhantomDataset, cue: Cue) -> Blinded:
    return Blinded(
        name=phantoms.name,
        kind=phantoms.kind,
        path=phantoms.path,
        citation=phantoms.citation,
        entries=phantoms.entries,
        phantoms=phantoms,
        cue=cue,
    )


def _stacked(samples: list[Sample]) -> np.ndarray:
    return np.stack([sample.image for sample in samples])[:, None] / np.float32(255)
