"""The multi-task network of Rasaee 2022 (thesis, section 3.2.1): one encoder, a lesion mask and a diagnosis.

The encoder is a classifier of the registry, ResNet-50 in the thesis: its own pooling and a linear layer make the
diagnosis, its last feature map (7 x 7 x 2048 there) goes to the decoder of `parts.six_blocks`.
"""

from torch import Tensor, nn

from xaiaudit.models.features import caught
from xaiaudit.models.parts.convolutions import to_size
from xaiaudit.models.parts.encoder import checked, levels
from xaiaudit.models.parts.six_blocks import six_blocks
from xaiaudit.models.registry import build


def thesis_mtl(
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    backbone: str = "resnet50",
    transposed: bool = False,
) -> nn.Module:
    """A `ThesisMTL` whose encoder is the registry's `backbone`, with these weights; `transposed`: see the decoder.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or without feature maps.
    """
    encoder = build(checked(backbone), classes=classes, channels=channels, weights=weights)
    return ThesisMTL(encoder, channels, transposed=transposed)


class ThesisMTL(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, h, w)}; train with alpha * CE + beta * Dice.

    Raises:
        UsageError: an encoder without feature maps.
    """

    def __init__(self, encoder: nn.Module, channels: int, *, transposed: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        last = levels(encoder, channels)[-1]
        self.layer = last.name
        self.decoder = six_blocks(last, transposed=transposed)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        with caught(self.encoder, (self.layer,)) as features:
            logits = self.encoder(images)
        mask = self.decoder(features[self.layer])
        return {"logits": logits, "mask": to_size(mask, images.shape[2:])}  # which the encoder may round up
