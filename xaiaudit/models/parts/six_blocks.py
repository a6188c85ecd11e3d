"""The decoder of Rasaee 2022 (thesis, section 2.2.3 and figure 2.8): from the last feature map to a mask.

Each block is a convolution with ReLU, 2 x 2 upsampling and batch norm. Two things the text leaves open. Six blocks
that all upsample would turn 7 into 448, not 224: five doublings lead from 7 to 224, so six blocks stand here and the
first five upsample. And a block that ends in ReLU could not give a mask logit of either sign, so a 1 x 1 convolution
follows the sixth; the widths are ours as well.
"""

from torch import nn

from xaiaudit.models.parts.encoder import Level

WIDTHS = (256, 128, 64, 32, 16, 16)


def six_blocks(last: Level, *, transposed: bool = False) -> nn.Sequential:
    """Maps (n, width, u, v) to mask logits (n, 1, u 2^o, v 2^o) for the octave o, five at most.

    `transposed` learns the doublings in place of repeating pixels, as the thesis proposes for the future (section 6.2).
    """
    widths = zip((last.width, *WIDTHS), WIDTHS, strict=False)
    blocks = [
        _block(before, after, double=index < last.octave, transposed=transposed)
        for index, (before, after) in enumerate(widths)
    ]
    return nn.Sequential(*blocks, nn.Conv2d(WIDTHS[-1], 1, 1))


def _block(before: int, after: int, *, double: bool, transposed: bool) -> nn.Sequential:
    doubling: list[nn.Module] = []
    if double:
        doubling = [
            nn.ConvTranspose2d(after, after, 2, stride=2) if transposed else nn.Upsample(scale_factor=2)
        ]
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), *doubling, nn.BatchNorm2d(after))
