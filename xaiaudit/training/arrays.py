"""One part of a split in memory as the network will see it, so that nothing is read twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xaiaudit.data import prepare
from xaiaudit.types import Mask, Preprocessing, Sample


class Batch(NamedTuple):
    images: Tensor  # (n, 1, h, w) float32 in [0, 1]
    labels: Tensor
    masks: Tensor | None
    valid: Tensor | None
    outlined: Tensor | None = None  # (n,) bool, images whose outline is known, empty or not; None: all

    def with_outline(self) -> "Batch":
        """As a network that takes the outlined lesion gets them; see `data.preprocess.network_inputs`."""
        if self.masks is None:
            raise TypeError("these arrays were made without masks")
        images = torch.cat((self.images, self.masks.to(self.images)), 1)
        valid = None if self.valid is None else torch.cat((self.valid, torch.zeros_like(self.valid)), 1)
        return self._replace(images=images, valid=valid)

    def take(self, rows: slice) -> "Batch":
        return Batch(
            self.images[rows],
            self.labels[rows],
            *(None if part is None else part[rows] for part in (self.masks, self.valid, self.outlined)),
        )


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images of one part; 50 kB an image at 224 pixels."""

    images: Tensor  # (n, 1, h, w) uint8
    labels: Tensor  # (n,) int64, class index, -1 for none of them
    masks: Tensor | None  # (n, 1, h, w) bool, False where no outline is known; None: not wanted
    valid: Tensor | None = None  # (n, 1, h, w) bool, False in the padding; None: not wanted
    outlined: Tensor | None = None  # (n,) bool, where an outline is known, be it empty; None where masks are

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, rows: Tensor, device: torch.device) -> Batch:
        """These rows, on the device."""
        beside = (
            None if part is None else part[rows].to(device)
            for part in (self.masks, self.valid, self.outlined)
        )
        return Batch(self.images[rows].to(device).float() / 255, self.labels[rows].to(device), *beside)


def prepare_all(samples: Sequence[Sample], preprocessing: Preprocessing, workers: int) -> list[Sample]:
    """Every sample on the network's grid, in order, by `workers` threads."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(partial(prepare, preprocessing=preprocessing), samples))


def arrays(prepared: Sequence[Sample], classes: Sequence[str], *, masks: bool, valid: bool = False) -> Arrays:
    """Prepared samples as one block of tensors. A label that is none of `classes`, as a detector's images without a
    lesion have, becomes -1."""
    shape = prepared[0].image.shape
    outlines = [sample.mask for sample in prepared] if masks else None
    real = [sample.valid for sample in prepared] if valid else None
    return Arrays(
        images=torch.from_numpy(np.stack([sample.image for sample in prepared])[:, None]),
        labels=torch.tensor([classes.index(s.label) if s.label in classes else -1 for s in prepared]),
        masks=None if outlines is None else _stacked(outlines, np.zeros(shape, bool)),
        valid=None if real is None else _stacked(real, np.ones(shape, bool)),
        outlined=None if outlines is None else torch.tensor([mask is not None for mask in outlines]),
    )


def _stacked(masks: Sequence[Mask | None], missing: Mask) -> Tensor:
    return torch.from_numpy(np.stack([missing if mask is None else mask for mask in masks])[:, None])
