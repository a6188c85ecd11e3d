"""How fast this machine is at this moment: tests bound times by multiples of it, not by seconds."""

import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter


def least_seconds(piece: Callable[[], object], runs: int) -> float:
    """The least processor time of a piece of work in so many runs: a busy machine only ever adds to it."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        piece()
        times.append(time.process_time() - start)
    return min(times)


def pace() -> float:
    """Seconds of a fixed piece of work (about 5 ms of one core of 2024): blurs and transforms of one image."""
    image = np.random.default_rng(0).random((224, 224))

    def work() -> None:
        for _ in range(3):
            gaussian_filter(image, 4.0)
            np.fft.fft2(image)

    return least_seconds(work, 15)
