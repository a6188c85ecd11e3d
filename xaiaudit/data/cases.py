"""Which images are not independent of one another."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import numpy as np

from xaiaudit.data.duplicates import SAME_SCAN, Thumbnails, connected, similar_pairs, thumbnails
from xaiaudit.types import Sample


def cases_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The case of each image, by name: images that are not independent of one another share one.

    They share the dataset's case id, or show the same scan: equal pixels, or thumbnails that correlate above
    0.95. Without ids the duplicate groups are the cases; cases that share a scan are merged.
    """
    thumbs = thumbnails([s.image for s in samples])
    return joined_cases([own_case(s) for s in samples], [s.sha256 for s in samples], thumbs)


def own_case(sample: Sample) -> str:
    """The dataset's case id, or the file where it has none, unique over datasets."""
    return f"{sample.dataset}/{sample.case if sample.case is not None else sample.file}"


def joined_cases(own: Sequence[str], hashes: Sequence[str], thumbs: Thumbnails) -> tuple[str, ...]:
    """`cases_of` from each image's `own_case`, pixel hash and thumbnail, when the pixels are no longer at hand."""
    links = [*_links(own), *_links(hashes), *similar_pairs(thumbs, SAME_SCAN).tolist()]
    groups = connected(np.array(links, dtype=np.intp).reshape(-1, 2), len(own))
    names: dict[int, str] = {}
    for group, name in zip(groups.tolist(), own, strict=True):
        names[group] = min(name, names.get(group, name))
    return tuple(names[group] for group in groups.tolist())


def hash_case(case: str, salt: str) -> str:
    """A case id that does not name the patient: 12 hexadecimal digits of a salted SHA-256."""
    return sha256(f"{salt}:{case}".encode()).hexdigest()[:12]


def _links(keys: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of neighbours among the positions that have the same key."""
    return [pair for images in positions(keys).values() for pair in pairwise(images)]


def positions(keys: Sequence[str]) -> dict[str, list[int]]:
    """Where each key stands, by key."""
    found: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        found.setdefault(key, []).append(position)
    return found
