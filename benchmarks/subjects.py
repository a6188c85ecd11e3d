"""The network that is attacked, as ours and as the other toolkits take it, and the images."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.cells import CHECKPOINT
from xaiaudit.data import prepare
from xaiaudit.data.phantoms import phantom_dataset
from xaiaudit.data.preprocess import stack
from xaiaudit.functional import decision, logit, margin
from xaiaudit.models import AuditedModel, build, load
from xaiaudit.types import Preprocessing

TYPICAL_DISTANCE = 0.2  # L2, in [0, 1] intensities; closer by, rounding in float32 decides on the length


class Plain(nn.Module):
    """The same network for the other toolkits: grey images in, two logits out, the larger one decides.

    Channels, normalisation and operating threshold are inside. A copy, because ours freezes its own.
    """

    shift: Tensor

    def __init__(self, model: AuditedModel, *, freeze: bool) -> None:
        super().__init__()
        self.audited = deepcopy(model)
        self.audited.net.requires_grad_(not freeze)
        self.eval()
        self.audited.net.eval()  # an audited model takes no orders
        self.register_buffer("shift", torch.tensor([0.0, logit(model.threshold)], device=model.device))

    def forward(self, images: Tensor) -> Tensor:
        returned = self.audited.net(self.audited.normalise(images))
        logits: Tensor = self.audited.read(returned, images).logits - self.shift
        return logits


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """One batch of clean images and the model that decides on them."""

    model: AuditedModel
    plain: Plain
    images: Tensor  # (n, 1, h, w) float32 in [0, 1]
    clean: Tensor  # (n, 2) logits of the model

    @property
    def labels(self) -> Tensor:
        """(n,) the clean decisions: what every attack is to leave."""
        found: Tensor = decision(self.clean, self.model.threshold)
        return found


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where trained models and real images come from, and how the others get their network."""

    checkpoint: Path | None = None
    data: Path | None = None
    freeze: bool = False


def subject(model: str, batch: int, device: str, size: int, source: Source) -> Subject:
    """The model by name, on phantoms where it is random, on its real test images where it is trained."""
    if model == CHECKPOINT:
        if source.checkpoint is None:
            raise ValueError("this row needs a trained model; name one with --checkpoint")
        audited = load(source.checkpoint, device=device)
        images = _real(audited, batch, source.data).to(device)
    else:
        images = _phantoms(batch, size).to(device)
        audited = _random(model, images, size)
    with torch.inference_mode():
        clean = audited(images).logits
    # made in inference mode, a tensor could not take part in a backward pass
    return Subject(
        model=audited, plain=Plain(audited, freeze=source.freeze), images=images, clean=clean.clone()
    )


def _phantoms(batch: int, size: int) -> Tensor:
    dataset = phantom_dataset(batch, size=size)
    return torch.from_numpy(stack([dataset[index] for index in range(batch)]).images)


def _real(model: AuditedModel, batch: int, data: Path | None) -> Tensor:
    from xaiaudit.auditing.selection import choose_data  # most rows need no dataset, and not all it brings

    dataset = choose_data(model, () if data is None else (data,), split="test")
    if len(dataset) < batch:
        raise ValueError(f"a batch of {batch} needs as many test images; {dataset.path} has {len(dataset)}")
    drawn = np.random.default_rng(0).choice(len(dataset), batch, replace=False)
    samples = [prepare(dataset[int(index)], model.preprocessing) for index in drawn]
    return torch.from_numpy(stack(samples).images)


def _random(name: str, images: Tensor, size: int) -> AuditedModel:
    """Random weights, with batch-norm statistics of these images, so that activations neither die nor grow."""
    torch.manual_seed(0)
    net = build(name, classes=2, channels=3).to(images.device)
    audited = AuditedModel(net, preprocessing=Preprocessing(size=size))
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = None  # the plain mean over what it sees
        norm.train()
    with torch.no_grad():
        net(audited.normalise(images))
    for norm in norms:
        norm.eval()
    return AuditedModel(net, preprocessing=audited.preprocessing, threshold=_threshold(audited, images))


def _threshold(model: AuditedModel, images: Tensor) -> float:
    """At which these images lie as far from the boundary, to first order, as those of a trained model do."""
    x = images.clone().requires_grad_()
    margins = margin(model(x).logits)
    (grads,) = torch.autograd.grad(margins.sum(), x)
    slope = grads.flatten(1).norm(dim=1).median()
    return float(torch.sigmoid(margins.detach().median() - TYPICAL_DISTANCE * slope))
