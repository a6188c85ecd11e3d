"""One part of a split in memory as the network will see it, so that nothing is read twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from xaiaudit.data import prepare
from xaiaudit.types import Preprocessing, Sample


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images of one part; 50 kB an image at 224 pixels."""

    images: Tensor  # (n, 1, h, w) uint8
    labels: Tensor  # (n,) int64
    masks: (
        Tensor | None
    )  # (n, 1, h, w) bool, False where no outline is known; None for a model without a mask

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor | None]:
        """Images float32 in [0, 1], labels and masks of these rows, on the device."""
        images = self.images[rows].to(device).float() / 255
        return (
            images,
            self.labels[rows].to(device),
            None if self.masks is None else self.masks[rows].to(device),
        )


def prepare_all(samples: Sequence[Sample], preprocessing: Preprocessing, workers: int) -> list[Sample]:
    """Every sample on the network's grid, in order, by `workers` threads."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(partial(prepare, preprocessing=preprocessing), samples))


def arrays(prepared: Sequence[Sample], classes: Sequence[str], *, masks: bool) -> Arrays:
    """Prepared samples, all of them with a label among `classes`, as one block of tensors."""
    empty = np.zeros(prepared[0].image.shape, bool)
    outlines = [empty if sample.mask is None else sample.mask for sample in prepared]
    return Arrays(
        images=torch.from_numpy(np.stack([sample.image for sample in prepared])[:, None]),
        labels=torch.tensor([classes.index(sample.label or "") for sample in prepared]),
        masks=torch.from_numpy(np.stack(outlines)[:, None]) if masks else None,
    )
