"""Attention over channels, then over positions: the convolutional block attention module (CBAM).

Woo et al. 2018, arXiv:1807.06521, equations 1 to 3, with the settings of their experiments: reduction 16, spatial
kernel 7. The authors' code has a batch norm behind the spatial convolution, which the paper does not tell of. It is
left out: in a module that several scales share it would normalise each scale by its own statistics while training,
and all by their mixture afterwards.
"""

import torch
from torch import Tensor, nn

REDUCTION = 16
KERNEL = 7


class ChannelAttention(nn.Module):
    """F * sigmoid(MLP(average of F) + MLP(maximum of F)), one weight a channel: (n, c, u, v) to the same shape.

    Both averages and maxima are over the positions; the MLP has one hidden layer of c / 16 with ReLU.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(1, width // REDUCTION)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, features: Tensor) -> Tensor:
        weights = torch.sigmoid(self.mlp(features.mean((2, 3))) + self.mlp(features.amax((2, 3))))
        return features * weights[:, :, None, None]


class SpatialAttention(nn.Module):
    """F * sigmoid(conv([maximum of F, average of F])), one weight a position: (n, c, u, v) to the same shape.

    Maximum and average are over the channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(2, 1, KERNEL, padding=KERNEL // 2)

    def forward(self, features: Tensor) -> Tensor:
        pooled = torch.cat((features.amax(1, keepdim=True), features.mean(1, keepdim=True)), 1)
        return features * torch.sigmoid(self.convolve(pooled))


def cbam(width: int, *, channel: bool = True, spatial: bool = True) -> nn.Sequential:
    """Channel attention, then spatial attention; without either of them on request."""
    parts: list[nn.Module] = []
    if channel:
        parts.append(ChannelAttention(width))
    if spatial:
        parts.append(SpatialAttention())
    return nn.Sequential(*parts)
