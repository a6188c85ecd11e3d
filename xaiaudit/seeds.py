"""Random draws that belong to an image: the same whatever the batch, the device and the order."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from xaiaudit.tensors import Images


def image_seed(sha256: str, seed: int) -> int:
    """Seed of one image's draws, 63 bits, from the hash of its pixels and the seed of the audit."""
    return _hashed(f"{sha256}/{seed}".encode())


def default_seeds(images: Images) -> list[int]:
    """Seeds from the pixels themselves, in float32, for callers that hold no hashes."""
    shape = str(tuple(images.shape[1:])).encode()
    return [_hashed(shape + image.numpy().tobytes()) for image in images.detach().float().cpu().contiguous()]


class Draws:
    """The numbers that one restart draws for some images: float32 from a CPU generator of each image."""

    def __init__(self, seeds: Sequence[int], restart: int) -> None:
        self._generators = [torch.Generator().manual_seed(_hashed(f"{s}/{restart}".encode())) for s in seeds]

    def take(self, kept: Tensor) -> "Draws":
        """Those of some of the images, which go on where they are."""
        some = Draws((), 0)
        some._generators = [self._generators[place] for place in kept.tolist()]
        return some

    def integers(self, below: int, count: int) -> Tensor:
        """(m, count) int64 in [0, below), on the CPU."""
        drawn = [torch.randint(below, (count,), generator=g) for g in self._generators]
        return torch.stack(drawn) if drawn else torch.zeros(0, count, dtype=torch.int64)

    def uniform(self, like: Tensor) -> Tensor:
        """In [0, 1), of the shape, kind and device of `like`, (n, ...)."""
        return _stacked([torch.rand(like.shape[1:], generator=g) for g in self._generators], like)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal, of the shape, kind and device of `like`, (n, ...)."""
        return _stacked([torch.randn(like.shape[1:], generator=g) for g in self._generators], like)


def _stacked(draws: list[Tensor], like: Tensor) -> Tensor:
    return torch.stack(draws).to(like) if draws else torch.empty_like(like)


def _hashed(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") >> 1
