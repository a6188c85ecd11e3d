"""One pass over the images before an audit: hashes, cases and fingerprints are kept, pixels are not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xaiaudit.auditing.leak import Known
from xaiaudit.data.cases import joined_cases, own_case
from xaiaudit.data.datasets import Dataset
from xaiaudit.data.duplicates import fingerprints, thumbnails
from xaiaudit.data.samples import leave_out
from xaiaudit.errors import DataError
from xaiaudit.records import LeftOutRecord
from xaiaudit.types import Sample

Progress = Callable[[int, int], None]  # images done, images in all


@dataclass(frozen=True, kw_only=True)
class View(Known):
    """What is kept of an image."""

    part: int  # which of the joined datasets
    index: int  # within the dataset
    case: str  # that of all images that show the same scan
    label: str | None
    has_mask: bool
    has_spacing: bool


@dataclass(frozen=True)
class Looked:
    views: list[View]
    left_out: list[LeftOutRecord]
    warnings: list[str]


def look(dataset: Dataset, *, strict: bool = False, progress: Progress | None = None) -> Looked:
    """Read every image once.

    Images that show the same scan share a case, as `data.cases.cases_of` has it. An image that cannot be read is
    left out and named.

    Raises:
        DataError: no image can be read; with `strict`, any image cannot be read.
    """
    left_out = [LeftOutRecord(file=item.file, reason=item.reason) for item in dataset.left_out]
    if strict and left_out:
        raise DataError(f"{left_out[0].file}: {left_out[0].reason} (--strict; without it, it is left out)")
    indices = range(len(dataset))
    samples, thumbs = [], []
    for done, index in enumerate(indices, start=1):
        try:
            sample = dataset[index]
        except DataError as error:
            if strict:
                raise DataError(f"{error} (--strict; without it, the image is left out)") from error
            left_out.append(LeftOutRecord(**leave_out(dataset, index, error)._asdict()))
            continue
        thumbs.append(thumbnails([sample.image])[0])
        samples.append((index, _without_pixels(sample)))
        if progress is not None:
            progress(done, len(indices))
    if not samples:
        raise DataError(
            f"none of the {len(indices)} images of {dataset.name} can be read "
            f"({left_out[0].reason if left_out else 'it is empty'}); see xaiaudit data check"
        )
    stacked = np.stack(thumbs)
    cases = joined_cases(
        [sample.own_case for _, sample in samples], [sample.sha256 for _, sample in samples], stacked
    )
    prints = fingerprints(stacked)
    parts = {part.name: number for number, part in enumerate(dataset.parts)}
    views = [
        View(
            name=sample.name,
            dataset=sample.dataset,
            case_id=sample.own_case if sample.has_id else None,
            part=parts[sample.dataset],
            index=index,
            sha256=sample.sha256,
            fingerprint=prints[row],
            case=cases[row],
            label=sample.label,
            has_mask=sample.has_mask,
            has_spacing=sample.has_spacing,
        )
        for row, (index, sample) in enumerate(samples)
    ]
    return Looked(views, left_out, _repeated(views))


@dataclass(frozen=True)
class _Known:
    name: str
    dataset: str
    own_case: str
    has_id: bool
    sha256: str
    label: str | None
    has_mask: bool
    has_spacing: bool


def _without_pixels(sample: Sample) -> _Known:
    return _Known(
        name=sample.name,
        dataset=sample.dataset,
        own_case=own_case(sample),
        has_id=sample.case is not None,
        sha256=sample.sha256,
        label=sample.label,
        has_mask=sample.mask is not None and bool(sample.mask.any()),
        has_spacing=sample.spacing is not None,
    )


def _repeated(views: Sequence[View]) -> list[str]:
    """A warning for pixels that occur twice: such images weigh twice in every rate."""
    by_hash: dict[str, list[str]] = {}
    for view in views:
        by_hash.setdefault(view.sha256, []).append(view.name)
    return [
        f"{names[0]} and {', '.join(names[1:])} are the same image; each is counted"
        for names in by_hash.values()
        if len(names) > 1
    ]
