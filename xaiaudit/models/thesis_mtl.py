"""The multi-task network of Rasaee 2022 (thesis, section 3.2.1): one encoder, a lesion mask and a diagnosis.

The encoder is a classifier of the registry, ResNet-50 in the thesis: its own pooling and a linear layer make
the diagnosis, its last feature map (7 x 7 x 2048 there) goes to a decoder of six blocks, each a convolution
with ReLU, 2 x 2 upsampling and batch norm, which ends in one mask logit a pixel at the size of the input.

Two things the text leaves open. Six blocks that all upsample would turn 7 into 448, not 224: five doublings
lead from 7 to 224, so six blocks stand here and the first five upsample. And a block that ends in ReLU could
not give a mask logit of either sign, so a 1 x 1 convolution follows the sixth; the widths are ours as well.
"""

from torch import Tensor, nn

from xaiaudit.models.features import caught
from xaiaudit.models.parts.convolutions import to_size
from xaiaudit.models.parts.encoder import checked, levels
from xaiaudit.models.registry import build

WIDTHS = (256, 128, 64, 32, 16, 16)


def thesis_mtl(
    *, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50"
) -> nn.Module:
    """A `ThesisMTL` whose encoder is the registry's `backbone`, with these weights.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or none.
    """
    return ThesisMTL(build(checked(backbone), classes=classes, channels=channels, weights=weights), channels)


class ThesisMTL(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, h, w)}; train with alpha * CE + beta * Dice.

    Raises:
        UsageError: an encoder without feature maps.
    """

    def __init__(self, encoder: nn.Module, channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        last = levels(encoder, channels)[-1]
        self.layer = last.name
        blocks = [
            _block(before, after, upsample=index < last.octave)
            for index, (before, after) in enumerate(zip((last.width, *WIDTHS), WIDTHS, strict=False))
        ]
        self.decoder = nn.Sequential(*blocks, nn.Conv2d(WIDTHS[-1], 1, 1))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        with caught(self.encoder, (self.layer,)) as features:
            logits = self.encoder(images)
        mask = self.decoder(features[self.layer])
        return {"logits": logits, "mask": to_size(mask, images.shape[2:])}  # which the encoder may round up


def _block(before: int, after: int, *, upsample: bool) -> nn.Sequential:
    doubling = (nn.Upsample(scale_factor=2),) if upsample else ()
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), *doubling, nn.BatchNorm2d(after))
