"""Small networks: of every architecture, and trained for a moment, for tests that need a model that decides."""

from pathlib import Path
from typing import Any

# of `build`, so that every architecture of the registry is small enough for the tests
SMALL_ARGUMENTS: dict[str, dict[str, Any]] = {
    "thesis-stl": {"backbone": "small-cnn"},
    "thesis-seg": {"backbone": "small-cnn"},
    "thesis-mtl": {"backbone": "small-cnn"},
    "la-net": {"backbone": "small-cnn"},
    "rmtl": {"backbone": "small-cnn"},
    "scaled-resnet": {"backbone": "small-cnn"},
    "bench-stl": {"backbone": "small-cnn"},
    "bench-mtl": {"backbone": "small-cnn"},
    "mt-estan": {"backbone": "timm:test_efficientnet"},
    "emt-net": {"backbone": "small-cnn"},
    "sha-mtl": {"backbone": "small-cnn"},
    "unet-mtl": {"width": 4},
    "ft-mtl-net": {"backbone": "small-cnn", "smallest_anchor": 8, "regions": 8, "mask_width": 16},
    "mask-rcnn": {"backbone": "small-cnn", "smallest_anchor": 8, "regions": 8, "mask_width": 16},
}


def train_small(data: Path, out: Path, architecture: str, epochs: int = 6, **arguments: object) -> Path:
    from xaiaudit.data import open_dataset
    from xaiaudit.training import Recipe, train
    from xaiaudit.types import Preprocessing

    train(
        architecture,
        open_dataset(data),
        out,
        arguments=arguments,
        preprocessing=Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,)),
        recipe=Recipe(epochs=epochs, batch_size=8, learning_rate=3e-3, batch_norm="train"),
        fractions=(0.5, 0.2, 0.3),
        device="cpu",
    )
    return out
