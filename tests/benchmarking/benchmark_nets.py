"""Networks that fail in their own way, and a benchmark as a program of its own that kills itself."""

import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import torch
from click.testing import Result
from torch import Tensor, nn

from xaiaudit.benchmark_record import BenchmarkRecord
from xaiaudit.training import Silent


class Benchmarked(NamedTuple):
    """What a benchmark left."""

    file: Path
    out: Path
    record: BenchmarkRecord
    result: Result | None


class _Scaled(nn.Module):
    """Two logits from the image's mean, plus a number that is fixed when the network is made."""

    def __init__(self, added: float, scale: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=4)
        self.head = nn.Linear(4, 2)
        self.register_buffer("added", torch.tensor(added))
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.conv(images).relu().mean((2, 3))) * self.scale + self.added


def fragile() -> nn.Module:
    """Its loss is not a number where it is trained with an odd seed: in every second fold."""
    return _Scaled(float("nan") if torch.initial_seed() % 2 else 0.0)


def constant() -> nn.Module:
    """Decides the same of every image."""
    return _Scaled(0.0, scale=0.0)


class Killed(Silent):
    """Kills its own process after so many epochs of training, without a chance to clean up."""

    def __init__(self, after: int) -> None:
        self.left = after

    def epoch(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(file: str, out: str, kill_after: int) -> None:
    from xaiaudit.benchmarking import benchmark, read_plan

    torch.set_num_threads(1)
    benchmark(read_plan(Path(file)), out, device="cpu", progress=Killed(kill_after))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
