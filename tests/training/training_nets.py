"""Networks and images for the tests of training, and one training run as a program of its own."""

import os
import signal
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from xaiaudit.training import Epoch, Recipe, Silent, train
from xaiaudit.types import Preprocessing

SMALL = Preprocessing(size=32, channels=1, mean=(0.4,), std=(0.2,))
QUICK = Recipe(epochs=4, learning_rate=3e-3, batch_size=8)


class Broken(nn.Module):
    """Its loss is never a number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))[:, None] * self.weight * float("nan")


class Stubborn(nn.Module):
    """Its logits are always the same, so that no epoch is better than the first."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, images: Tensor) -> Tensor:
        return (images.mean((1, 2, 3))[:, None] * self.weight) * 0


class Counting(nn.Module):
    """A diagnosis and a mask of two weights each; it counts the images that it was trained on, pass by pass."""

    seen: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.outline = nn.Conv2d(1, 1, 1)
        self.head = nn.Linear(1, 2)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        if self.training:
            self.seen.append(len(images))
        return {"logits": self.head(images.mean((2, 3))), "mask": self.outline(images)}


class StubbornMask(Counting):
    """The same, whose outputs never change."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {name: 0 * output for name, output in super().forward(images).items()}


class Stopped(Silent):
    """Interrupts the run after an epoch, whose state is written by then."""

    def __init__(self, after: int) -> None:
        self.after = after

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        if epoch.number == self.after:
            raise KeyboardInterrupt


def write_images(folder: Path, n: int, *, masks: bool = True, seed: int = 0) -> Path:
    """A manifest of n images of n / 2 cases: a blob that is dark in benign and darker in malignant ones."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["image,mask,label,case"]
    rows, columns = np.mgrid[:36, :44]
    for number in range(n):
        malignant = number // 2 % 2
        middle, radius = rng.uniform(12, 24, 2), rng.uniform(5, 9)
        blob = (rows - middle[0]) ** 2 + (columns - middle[1] - 4) ** 2 < radius**2
        image = rng.normal(130, 15, blob.shape) - blob * (40 + 45 * malignant + rng.normal(0, 5))
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        Image.fromarray(blob.astype(np.uint8) * 255).save(folder / f"{number}m.png")
        mask = f"{number}m.png" if masks else ""
        lines.append(f"{number}.png,{mask},{('benign', 'malignant')[malignant]},patient {number // 2}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder / "manifest.csv"


class Killed(Silent):
    """Kills its own process after an epoch, without a chance to clean up."""

    def __init__(self, after: int) -> None:
        self.after = after

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        if epoch.number == self.after:
            os.kill(os.getpid(), signal.SIGKILL)


def main(manifest: str, out: str, devices: int, kill_after: int) -> None:
    from xaiaudit.data import open_dataset

    torch.set_num_threads(1)
    train(
        "small-cnn",
        open_dataset(manifest),
        out,
        preprocessing=SMALL,
        recipe=QUICK,
        device="cpu",
        devices=devices,
        progress=Killed(kill_after),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
