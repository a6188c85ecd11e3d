"""A room for ART to work in: it draws from one seed, keeps silent, and leaves the world as it was."""

import io
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch

# What np.random.uniform and the like draw from.
_GLOBAL: np.random.RandomState = vars(np.random.mtrand)["_rand"]


@contextmanager
def quiet_and_seeded(seed: int) -> Iterator[None]:
    """Global generators of NumPy, torch (CPU) and Python start at `seed` and are put back afterwards.

    ART draws from NumPy's old global generator, so that is what has to be set.
    """
    before = _GLOBAL.get_state(), random.getstate(), np.random.RandomState, np.random.seed
    nowhere = io.StringIO()
    try:
        with (
            torch.random.fork_rng(devices=[]),
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            _GLOBAL.seed([seed & 0xFFFFFFFF, seed >> 32])
            random.seed(seed)
            torch.default_generator.manual_seed(seed)
            _replace(_Seeded, _no_other_seed)
            yield
    finally:
        _replace(*before[2:])
        _GLOBAL.set_state(before[0])
        random.setstate(before[1])


class _Seeded(np.random.RandomState):
    """Follows NumPy's global generator where it would ask the system for a seed: HopSkipJump makes its own."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(_GLOBAL.randint(2**32, dtype=np.uint32) if seed is None else seed)


def _no_other_seed(seed: object = None) -> None:
    """CMA-ES would seed NumPy from the clock."""


def _replace(random_state: Any, seed: Any) -> None:
    vars(np.random).update(RandomState=random_state, seed=seed)
