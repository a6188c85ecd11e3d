"""How many parameters an architecture has, without memory for them."""

from typing import Any

import torch

from xaiaudit.models._torchvision import torchvision
from xaiaudit.models.registry import build


def parameters(architecture: str, classes: int = 2, channels: int = 3, **arguments: Any) -> int:
    """Of a network that `build` makes: its weights, heads included, without the statistics of batch norms."""
    with torch.device("meta"):
        net = build(architecture, classes=classes, channels=channels, **arguments)
    return sum(parameter.numel() for parameter in net.parameters())


def torchvision_parameters(name: str) -> int:
    """Of torchvision's classifier as its pretrained weights have it, with 1000 classes."""
    weights = torchvision().models.get_model_weights(name)
    return int(weights.DEFAULT.meta["num_params"])
