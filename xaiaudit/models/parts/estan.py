"""The encoder of the enhanced small tumor-aware network: rows and columns of a breast beside square patches of it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from xaiaudit.models.parts.convolutions import convolution

Kernel = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One scale: its channels and the kernels of its two paths, rows then columns."""

    width: int
    square: Kernel = (3, 3)  # first of the square path; its second is 3 x 3
    row: Kernel  # A columns wide; the column kernel is its transpose
    after: Kernel = (3, 3)  # the third of the row-column path
    last: Kernel  # of both paths, joined


BLOCKS = (
    Block(width=32, square=(1, 1), row=(1, 15), last=(5, 5)),
    Block(width=64, row=(1, 13), last=(5, 5)),
    Block(width=128, row=(1, 11), after=(1, 1), last=(3, 3)),
    Block(width=256, row=(1, 9), last=(1, 1)),
    Block(width=512, row=(3, 7), last=(1, 1)),
)


class Estan(nn.Module):
    """(n, c, h, w) to five maps, (n, width, h / 2**i, w / 2**i) for i from 0 to 4, by max pooling between the blocks.

    Source: Shareef et al. 2022, ESTAN, Healthcare 10:2262, arXiv:2009.12894; kernels and widths as in the code of
    Shareef et al. 2023 (MIDA-Lab/busbench).
    """

    widths = tuple(block.width for block in BLOCKS)

    def __init__(self, channels: int) -> None:
        super().__init__()
        before = (channels, *self.widths)
        self.blocks = nn.ModuleList(
            EstanBlock(width, block) for width, block in zip(before, BLOCKS, strict=False)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        for block in self.blocks:
            maps.append(block(max_pool2d(maps[-1], 2) if maps else images))
        return maps


class EstanBlock(nn.Module):
    """Square kernels and row-column-wise kernels side by side, joined by one more convolution; the size stays."""

    def __init__(self, before: int, block: Block) -> None:
        super().__init__()
        width, row = block.width, block.row
        self.square = nn.Sequential(convolution(before, width, block.square), convolution(width, width))
        self.row_column = nn.Sequential(
            convolution(before, width, row),
            convolution(width, width, (row[1], row[0])),
            convolution(width, width, block.after),
        )
        self.join = convolution(2 * width, width, block.last)

    def forward(self, maps: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat((self.square(maps), self.row_column(maps)), 1))
        return joined
