"""A U-Net with a classifier on its deepest map: the multi-task network of Vakanski & Xian 2021.

With `width=64` it has the channels of the U-Net of Ronneberger et al. 2015, and is what Rasaee 2022 (thesis, section
6.2) proposes for the future: the U-Net as the base, a classifier branch added.
"""

from itertools import pairwise

from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.parts.convolutions import Up, convolution
from xaiaudit.models.parts.heads import pooled_head

DEPTH = 5  # blocks of the contracting path, with max pooling between them
HIDDEN = (256, 64)  # units of the dense layers
DROPOUT = (0.25, 0.25)


def unet_mtl(*, classes: int, channels: int, weights: str = "none", width: int = 32) -> nn.Module:
    """A `UNetMTL`; `width` is the number of channels of its first block, doubled by each of the next four.

    Raises:
        UsageError: pretrained weights, of which there are none, or a width under 1.
    """
    if weights != "none":
        raise UsageError(f"unet-mtl has no pretrained weights, got weights {weights!r}; use 'none'")
    if width < 1:
        raise UsageError(f"unet-mtl needs a width of at least 1 channel, got {width}; the default is 32")
    return UNetMTL(classes, channels, width)


class UNetMTL(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, h, w)}; trained from scratch with cross-entropy + Dice.

    Source: the code published with Vakanski & Xian 2021, arXiv:2103.03328 (github.com/avakanski). Every convolution of
    3 x 3 pixels has batch norm and ReLU.
    """

    def __init__(self, logits: int, channels: int, width: int) -> None:
        super().__init__()
        widths = [width * 2**depth for depth in range(DEPTH)]
        self.down = nn.ModuleList(_double(before, after) for before, after in pairwise((channels, *widths)))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            Up(before, after, skips=after, transposed=True) for before, after in pairwise(reversed(widths))
        )
        self.mask = nn.Conv2d(width, 1, 3, padding=1)
        self.head = pooled_head(widths[-1], logits, HIDDEN, DROPOUT)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps: list[Tensor] = []
        for block in self.down:
            maps.append(block(self.pool(maps[-1]) if maps else images))
        logits, drawn = self.head(maps[-1]), maps.pop()
        for block in self.up:
            drawn = block(drawn, maps.pop())
        return {"logits": logits, "mask": self.mask(drawn)}


def _double(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(convolution(before, after), convolution(after, after))
