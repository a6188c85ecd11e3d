"""The small network that learns one cue."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from xaiaudit.data.datasets import Dataset
from xaiaudit.functional import margin
from xaiaudit.models import AuditedModel
from xaiaudit.training import Recipe, train
from xaiaudit.types import Preprocessing

BATCH = 16  # images a forward
SHARES = (0.8, 0.1, 0.1)  # in training, choosing the epoch, and a test split that nothing here looks at


def trained(dataset: Dataset, *, size: int, epochs: int, seed: int) -> AuditedModel:
    """A small-cnn, on the CPU; `seed` draws its first weights, its split and its batches."""
    with tempfile.TemporaryDirectory() as folder:
        found = train(
            "small-cnn",
            dataset,
            Path(folder) / "model.pt",
            preprocessing=Preprocessing(size=size, channels=1, mean=(0.3,), std=(0.2,)),
            recipe=Recipe(epochs=epochs, learning_rate=2e-3),
            fractions=SHARES,
            seed=seed,
            device="cpu",
            workers=1,
        )
    return found.model


def logits_of(model: AuditedModel, images: np.ndarray) -> np.ndarray:
    """(n, 2) of images (n, 1, h, w)."""
    with torch.inference_mode():
        return np.concatenate([model(part).logits.numpy() for part in torch.from_numpy(images).split(BATCH)])


def margins(model: AuditedModel, images: np.ndarray) -> np.ndarray:
    """(n,): how much more the logits speak for malignant than the threshold asks; decided malignant from 0 on."""
    return np.asarray(margin(logits_of(model, images), model.threshold))
