"""All samples of a dataset at once, with those that could not be read named."""

import os
from concurrent.futures import ThreadPoolExecutor

from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut, Sample


def read_samples(dataset: Dataset, *, strict: bool = False) -> tuple[list[Sample], list[LeftOut]]:
    """All samples in order, and the files that could not be read, with those found missing while listing.

    Raises:
        DataError: with `strict`, for the first file that is left out.
    """
    left_out = list(dataset.left_out)
    if strict and left_out:
        raise DataError(
            f"{dataset.path}: {left_out[0].file}: {left_out[0].reason} (strict: nothing is left out)"
        )
    samples = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for index, result in enumerate(pool.map(lambda i: _sample_or_error(dataset, i), range(len(dataset)))):
            if isinstance(result, Sample):
                samples.append(result)
            elif strict:
                raise result
            else:
                left_out.append(leave_out(dataset, index, result))
    return samples, left_out


def _sample_or_error(dataset: Dataset, index: int) -> Sample | DataError:
    try:
        return dataset[index]
    except DataError as error:
        return error


def leave_out(dataset: Dataset, index: int, error: DataError) -> LeftOut:
    """Image `index`, which could not be read, with paths as seen from the dataset's folder."""
    entry = dataset.entries[index]
    root = str(entry.image).removesuffix(entry.file)
    reason = str(error).removeprefix(f"{entry.image}: ").replace(root, "")
    return LeftOut(f"{entry.dataset}/{entry.file}" if len(dataset.parts) > 1 else entry.file, reason)
