"""RMTL, the rival that Fan et al. 2022 set beside LA-Net (section 3.4, after Rasaee & Rivaz 2021).

A classifier makes the diagnosis; its last feature map also goes to three blocks of transposed convolution, batch norm
and ReLU, which outline the lesion. Left open there: the blocks' widths and kernels, here those of the head that has the
same three blocks on a ResNet (Xiao et al. 2018, arXiv:1804.06208: 256 filters of 4 x 4, stride 2); and how a block that
ends in ReLU can give a logit of either sign, here by a 1 x 1 convolution behind the third, as they have it.
"""

from itertools import pairwise

from torch import Tensor, nn

from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.heads import pooled_head

BLOCKS = 3
WIDTH = 256


def rmtl(*, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50") -> nn.Module:
    """An `RMTL` on the registry's `backbone` with these weights.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or one without feature maps.
    """
    return RMTL(encoder(backbone, channels, weights), classes)


class RMTL(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, 8 u, 8 v)}, (u, v) the size of the last feature map."""

    def __init__(self, features: Encoder, classes: int) -> None:
        super().__init__()
        self.encoder = features
        widths = [features.widths[-1], *[WIDTH] * BLOCKS]
        self.outline = nn.Sequential(*(_block(*pair) for pair in pairwise(widths)), nn.Conv2d(WIDTH, 1, 1))
        self.head = pooled_head(features.widths[-1], classes)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        last = self.encoder(images)[-1]
        return {"logits": self.head(last), "mask": self.outline(last)}


def _block(before: int, after: int) -> nn.Sequential:
    """Doubles the size."""
    return nn.Sequential(
        nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
