"""The classifier of Byra et al. 2022 (J Ultrason 22:70-75): a pretrained network, its features scaled, not changed.

The backbone stays as pretraining left it; behind each of its stages every channel is multiplied by a learnt weight
and shifted by a learnt bias, 1 and 0 at first, so that training begins at the pretrained network. Global average
pooling and one dense layer follow, for two classes of one sigmoid output, so that CAM is exact and signed.

The paper says "transfer learning technique based on the scaling of deep representations" and refers to Byra 2021
(Biomed Signal Process Control 69:102828) for it, of which no copy was at hand: where the scales stand, and that they
have a bias, was decided here. See docs/models.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.models.features import module_at
from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.heads import pooled_head


def scaled_resnet(
    *, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50"
) -> nn.Module:
    """A `ScaledResNet` on the registry's `backbone` with these weights; train with the backbone frozen.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or one without feature maps.
    """
    return ScaledResNet(encoder(backbone, channels, weights), classes)


class ScaledResNet(nn.Module):
    """(n, c, h, w) to logits (n, k); the head takes the average of the last scaled features."""

    def __init__(self, features: Encoder, logits: int) -> None:
        super().__init__()
        self.encoder = features
        self.scales = nn.ModuleList(Scale(width) for width in features.widths)
        self.head = pooled_head(features.widths[-1], logits)

    def forward(self, images: Tensor) -> Tensor:
        with self._scaled():
            last = self.encoder(images)[-1]
        logits: Tensor = self.head(last)
        return logits

    @contextmanager
    def _scaled(self) -> Iterator[None]:
        """Within it, each stage of the encoder hands on its scaled features."""
        handles = [
            module_at(self.encoder.net, level.name).register_forward_hook(partial(_scale, scale))
            for level, scale in zip(self.encoder.levels, self.scales, strict=True)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


class Scale(nn.Module):
    """w_c x + b_c in each channel c: (n, width, u, v) to the same shape; the identity at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor) -> Tensor:
        return features * self.weight[:, None, None] + self.bias[:, None, None]


def _scale(scale: nn.Module, stage: nn.Module, _: tuple[Any, ...], output: Tensor) -> Tensor:
    scaled: Tensor = scale(output)
    return scaled
