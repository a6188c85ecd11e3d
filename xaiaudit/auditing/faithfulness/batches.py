"""A batch of images on the network's grid, with the class that their maps explain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xaiaudit.data import prepare, stack
from xaiaudit.data.preprocess import network_inputs
from xaiaudit.data.regions import regions
from xaiaudit.faithfulness import Canvas
from xaiaudit.functional import decision
from xaiaudit.models import AuditedModel
from xaiaudit.seeds import image_seed
from xaiaudit.types import Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What is kept of n images: no pixels."""

    names: tuple[str, ...]
    sha256: tuple[str, ...]
    target: np.ndarray  # (n,) class index: the model's decision, which every map explains
    has_lesion: np.ndarray  # (n,)
    clean: np.ndarray  # (n, k) probabilities of the image
    canvas: np.ndarray  # (n, k) and of its canvas
    canvas_decision: np.ndarray  # (n,) class index


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """What the tests of one batch need."""

    images: Tensor  # (n, 1, h, w), on the model's device
    valid: Tensor
    seeds: list[int]
    target: Tensor  # (n,)
    codes: np.ndarray  # (n, h, w), index into REGIONS
    facts: Facts


def load_batch(model: AuditedModel, samples: Sequence[Sample], canvas: Canvas, seed: int) -> Images:
    """Samples on their source grid, prepared as the model wants them."""
    batch = stack([prepare(sample, model.preprocessing) for sample in samples])
    images, valid = (
        torch.from_numpy(part).to(model.device) for part in network_inputs(batch, model.preprocessing)
    )
    clean, emptied = (_logits(model, shown) for shown in (images, canvas(images, valid)))
    target = _decision(clean, model.threshold)
    codes = [
        regions(mask, valid=real).codes for mask, real in zip(batch.masks, batch.valid[:, 0], strict=True)
    ]
    return Images(
        images=images,
        valid=valid,
        seeds=[image_seed(sha256, seed) for sha256 in batch.sha256],
        target=torch.from_numpy(target).to(model.device),
        codes=np.stack(codes),
        facts=Facts(
            names=batch.names,
            sha256=batch.sha256,
            target=target,
            has_lesion=batch.has_mask & batch.masks.any((1, 2)),
            clean=clean.softmax(1).numpy(),
            canvas=emptied.softmax(1).numpy(),
            canvas_decision=_decision(emptied, model.threshold),
        ),
    )


def joined(facts: Sequence[Facts]) -> Facts:
    """Of all batches, in order."""
    arrays = ("target", "has_lesion", "clean", "canvas", "canvas_decision")
    return Facts(
        names=tuple(name for part in facts for name in part.names),
        sha256=tuple(digest for part in facts for digest in part.sha256),
        **{name: np.concatenate([getattr(part, name) for part in facts]) for name in arrays},
    )


def _logits(model: AuditedModel, images: Tensor) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = model(images).logits.double()
    return logits.cpu()


def _decision(logits: Tensor, threshold: float) -> np.ndarray:
    return np.asarray(decision(logits.numpy(), threshold), np.int64)
