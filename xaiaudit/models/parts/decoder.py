"""A mask from an encoder's feature maps, as the expanding path of a U-Net draws it."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from xaiaudit.models.parts.attention_gate import AttentionGate
from xaiaudit.models.parts.convolutions import Up
from xaiaudit.models.parts.encoder import Level

WIDTHS = (128, 64, 32, 16)  # channels that each block gives


class Decoder(nn.Module):
    """Maps of every octave and the images to one mask logit a pixel, (n, 1, h, w) at the images' size.

    As many blocks as `widths` double the map that many octaves below the images (or the coarsest, where that is finer;
    then the first blocks are left out), each joined with the encoder's map of its new size, the last with the images
    themselves; then a 1 x 1 convolution. An octave that the encoder lacks is doubled without a skip connection.

    Args:
        levels: of the encoder, from fine to coarse.
        channels: of the images.
        widths: channels that each block gives; the default begins at 1/16 of the image's size.
        gated: an attention gate on each skip connection from the encoder.

    Source: Shareef et al. 2023, section 5.2.1 (four blocks of upsampling and two convolutions of 3 x 3 pixels with
    batch norm and ReLU, after Vakanski & Xian 2021); where the blocks begin, their skip connections, widths and the
    transposed convolutions that upsample as in the code that the authors published (MIDA-Lab/busbench).
    """

    def __init__(
        self, levels: Sequence[Level], channels: int, widths: Sequence[int] = WIDTHS, *, gated: bool = False
    ) -> None:
        super().__init__()
        self.at = {level.octave: index for index, level in enumerate(levels)}
        self.start = max(octave for octave in self.at if octave <= len(widths))
        skips = {0: channels} | {level.octave: level.width for level in levels}
        self.octaves = range(self.start - 1, -1, -1)
        steps = list(pairwise((skips[self.start], *widths[-self.start :])))
        self.blocks = nn.ModuleList(
            Up(before, after, skips=skips.get(octave, 0), transposed=True)
            for (before, after), octave in zip(steps, self.octaves, strict=True)
        )
        self.gates = nn.ModuleDict(
            {
                str(octave): AttentionGate(skips[octave], before, after)
                for (before, after), octave in zip(steps, self.octaves, strict=True)
                if gated and octave in self.at
            }
        )
        self.mask = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, images: Tensor, maps: Sequence[Tensor]) -> Tensor:
        drawn = maps[self.at[self.start]]
        for octave, block in zip(self.octaves, self.blocks, strict=True):
            skip = images if octave == 0 else maps[self.at[octave]] if octave in self.at else None
            if skip is not None and str(octave) in self.gates:
                skip = self.gates[str(octave)](skip, drawn)
            drawn = block(drawn) if skip is None else block(drawn, skip)
        mask: Tensor = self.mask(drawn)
        return mask
