"""Convolution, batch norm and ReLU, and the block of a decoder that doubles the size."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def convolution(before: int, after: int, kernel: int | tuple[int, int] = 3) -> nn.Sequential:
    """Convolution that keeps the size, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding="same", bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )


class Up(nn.Module):
    """Doubles the size, joins the skip connections, and convolves.

    Args:
        before: channels that come from below.
        after: channels of what goes on.
        skips: channels of all skip connections together; they come from fine feature maps of an encoder.
        convolutions: of 3 x 3 pixels, each with batch norm and ReLU.
        transposed: double by a learnt transposed convolution of 2 x 2 pixels, which gives `after` channels already
            (Ronneberger et al. 2015, arXiv:1505.04597), not by bilinear interpolation.
    """

    def __init__(
        self, before: int, after: int, *, skips: int = 0, convolutions: int = 2, transposed: bool = False
    ) -> None:
        super().__init__()
        self.doubling: nn.Module = (
            nn.ConvTranspose2d(before, after, 2, stride=2)
            if transposed
            else nn.Upsample(scale_factor=2, mode="bilinear")
        )
        widths = [(after if transposed else before) + skips, *[after] * convolutions]
        self.convolve = nn.Sequential(*(convolution(a, b) for a, b in pairwise(widths)))

    def forward(self, below: Tensor, *skips: Tensor) -> Tensor:
        doubled: Tensor = self.doubling(below)
        if skips:  # sizes that the encoder rounded up
            doubled = to_size(doubled, skips[0].shape[2:])
        joined: Tensor = self.convolve(torch.cat((doubled, *skips), 1))
        return joined


def to_size(maps: Tensor, size: torch.Size) -> Tensor:
    """(n, c, u, v) to (n, c, *size), bilinear; as it is where the size is right."""
    if maps.shape[2:] == size:
        return maps
    return interpolate(maps, list(size), mode="bilinear", align_corners=False)
