"""From feature maps to class logits."""

from collections.abc import Sequence
from itertools import pairwise, zip_longest

from torch import nn


def pooled_head(
    width: int, logits: int, hidden: Sequence[int] = (), dropout: Sequence[float] = ()
) -> nn.Sequential:
    """Global average pooling, dense layers with ReLU, one linear layer: (n, width, u, v) to (n, logits).

    `dropout` acts after the hidden layers, the first rates after the first ones, in training alone. Without hidden
    layers the class activation map is exact.
    """
    layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    for (before, after), rate in zip_longest(pairwise((width, *hidden)), dropout):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if rate is not None:
            layers.append(nn.Dropout(rate))
    return nn.Sequential(*layers, nn.Linear((width, *hidden)[-1], logits))
