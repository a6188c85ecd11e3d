"""From feature maps to class logits."""

from collections.abc import Sequence

from torch import nn


def pooled_head(width: int, logits: int, hidden: Sequence[int] = (), dropout: float = 0.0) -> nn.Sequential:
    """Global average pooling, dense layers with ReLU, one linear layer: (n, width, u, v) to (n, logits).

    `dropout` acts after the first hidden layer, in training alone. Without hidden layers the class activation map
    is exact.
    """
    layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    for position, (before, after) in enumerate(zip((width, *hidden), hidden, strict=False)):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if position == 0 and dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear((width, *hidden)[-1], logits))
