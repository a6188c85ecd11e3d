"""MT-ESTAN: two encoders, one for tumours of any size, for the diagnosis and the mask (Shareef et al. 2023, section 4).

The basic encoder is a classifier of the registry, ResNet-50 in the paper, with ImageNet weights; ESTAN's encoder sees
rows and columns. What both know at 1/16 of the image's size is joined, averaged and classified, and goes up through
four blocks, each with one skip connection from either encoder.
"""

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.parts.convolutions import convolution, to_size
from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.estan import Estan
from xaiaudit.models.parts.heads import pooled_head

HIDDEN = (512, 128)  # units of the dense layers
DROPOUT = (0.5,)  # after the first
OCTAVES = (1, 2, 3, 4, 5)  # of the basic encoder's maps
UP = (3, 2, 1, 0)  # octaves that the up blocks end at
MIDDLE = (5, 1, 1, 1)  # side of an up block's second kernel, by that octave


def mt_estan(*, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50") -> nn.Module:
    """An `MTEstan` whose basic encoder is the registry's `backbone`, with these weights.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or one without five octaves.
    """
    basic = encoder(backbone, channels, weights)
    found = tuple(level.octave for level in basic.levels)
    if found != OCTAVES:
        raise UsageError(
            f"mt-estan joins feature maps of 1/2 to 1/32 of the image's size, and {backbone} has them at "
            f"{', '.join(f'1/{2**octave}' for octave in found)}; take another backbone, e.g. resnet50 or mobilenet_v2"
        )
    return MTEstan(basic, channels, classes)


class MTEstan(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, h, w)}; train with 3 weighted BCE + Dice."""

    def __init__(self, basic: Encoder, channels: int, logits: int) -> None:
        super().__init__()
        self.basic = basic
        self.estan = Estan(channels)
        widths, skips = self.estan.widths, basic.widths
        self.join = Join(skips[4], widths[4])
        joined = 2 * widths[4] + skips[3]
        self.head = pooled_head(joined, logits, HIDDEN, DROPOUT)
        below = {3: joined} | {octave: widths[octave + 1] + skips[octave] for octave in UP[1:]}
        self.up = nn.ModuleList(EstanUp(below[octave], widths[octave], MIDDLE[octave]) for octave in UP)
        self.mask = nn.Conv2d(widths[0], 1, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        *basic, deepest = self.basic(images)
        *fine, coarse = self.estan(images)
        drawn = self.join(deepest, coarse, basic[3])
        logits = self.head(drawn)
        for octave, block in zip(UP, self.up, strict=True):
            if octave != UP[0]:
                drawn = beside(drawn, basic[octave])
            drawn = block(drawn, fine[octave])
        return {"logits": logits, "mask": self.mask(drawn)}


class Join(nn.Module):
    """What both encoders know at 1/16: the basic one's deepest map, doubled, ESTAN's, and the basic one's there."""

    def __init__(self, deepest: int, width: int) -> None:
        super().__init__()
        self.doubling = nn.ConvTranspose2d(deepest, width, 2, stride=2)

    def forward(self, deepest: Tensor, coarse: Tensor, basic: Tensor) -> Tensor:
        return beside(coarse, self.doubling(deepest), basic)


class EstanUp(nn.Module):
    """A convolution, a doubling, the join with ESTAN's map of the new size, and two more convolutions."""

    def __init__(self, before: int, after: int, middle: int) -> None:
        super().__init__()
        self.first = convolution(before, after)
        self.doubling = nn.ConvTranspose2d(after, after, 2, stride=2)
        self.then = nn.Sequential(convolution(2 * after, after, middle), convolution(after, after))

    def forward(self, below: Tensor, fine: Tensor) -> Tensor:
        drawn: Tensor = self.then(beside(fine, self.doubling(self.first(below))))
        return drawn


def beside(maps: Tensor, *others: Tensor) -> Tensor:
    """All channels together, at the size of `maps`; encoders round odd sizes to either side."""
    return torch.cat((maps, *(to_size(other, maps.shape[2:]) for other in others)), 1)
