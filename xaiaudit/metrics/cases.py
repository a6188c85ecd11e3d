"""Images of one case are not independent: numbering the cases of a sample, and summing over each."""

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.types import Flags

Cases = Sequence[Hashable] | np.ndarray  # the case id of every image, in the order of the images


def number_cases(cases: Cases, n: int) -> tuple[Int[np.ndarray, "n"], int]:
    """The index of each image's case, (n,), in order of first appearance, and the number of cases.

    Raises:
        ValueError: not one case id for each of the `n` images.
    """
    if len(cases) != n:
        raise ValueError(f"one case id an image is needed, got {len(cases)} case ids for {n} images")
    ids = cases.tolist() if isinstance(cases, np.ndarray) else cases
    numbers = {case: number for number, case in enumerate(dict.fromkeys(ids))}
    return np.fromiter(map(numbers.__getitem__, ids), dtype=np.int64, count=n), len(numbers)


def case_sums(
    values: Float[np.ndarray, "n"], index: Int[np.ndarray, "n"], count: int
) -> Float[np.ndarray, "c"]:
    """The sum of `values` over the images of each case, (c,)."""
    return np.bincount(index, weights=values, minlength=count)


def select(cases: Cases, keep: Flags) -> list[Hashable]:
    """The case ids of the images to keep."""
    return [case for case, kept in zip(cases, keep, strict=True) if kept]
