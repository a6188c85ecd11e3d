"""The single-task networks of Rasaee 2022 (thesis, sections 2.2.2 and 2.2.3): a classifier, and a segmentation network.

A segmentation network makes no diagnosis. What it decides of an image as a whole is whether there is a lesion in it:
the largest of its mask logits, which is at or above 0 where it outlines anything. So attacks can make it lose the
lesion, or its outline.
"""

from typing import Literal

from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.parts.convolutions import to_size
from xaiaudit.models.parts.encoder import Encoder, checked, encoder
from xaiaudit.models.parts.six_blocks import six_blocks
from xaiaudit.models.registry import build


def thesis_stl(
    *, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50"
) -> nn.Module:
    """The registry's `backbone` with a linear layer of `classes`: figure 2.6.

    Raises:
        UsageError: a backbone of your own code.
    """
    return build(checked(backbone), classes=classes, channels=channels, weights=weights)


def thesis_seg(
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    backbone: str = "resnet50",
    decoder: Literal["blocks", "direct"] = "blocks",
    transposed: bool = False,
) -> nn.Module:
    """A `ThesisSeg`; decides between no lesion and lesion, so `classes` are two, or one logit.

    Args:
        classes: 2; the network gives one logit.
        decoder: the six blocks of figure 2.8, or direct upsampling of the last map to the size of the image.
        transposed: see `parts.six_blocks`.

    Raises:
        UsageError: more classes; a backbone of your own code, or without feature maps; an unknown decoder.
    """
    if classes > 2:
        raise UsageError(f"thesis-seg decides between no lesion and lesion, got {classes} classes")
    if decoder not in ("blocks", "direct"):
        raise UsageError(f"decoder must be blocks or direct, got {decoder!r}")
    if transposed and decoder == "direct":
        raise UsageError(
            "direct upsampling has no transposed convolutions; leave transposed out, or take blocks"
        )
    features = encoder(backbone, channels, weights)
    last = features.levels[-1]
    return ThesisSeg(
        features,
        six_blocks(last, transposed=transposed) if decoder == "blocks" else nn.Conv2d(last.width, 1, 1),
    )


class ThesisSeg(nn.Module):
    """(n, c, h, w) to {"logits": (n, 1), the largest mask logit, "mask": (n, 1, h, w)}.

    Where the decoder ends on a smaller grid than the image's its logits are upsampled bilinearly; direct upsampling
    is that alone, by 32, after a 1 x 1 convolution that makes one channel of 2048 (the text names none).
    """

    def __init__(self, features: Encoder, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = features, decoder
        self.cam_layer = f"encoder.net.{features.levels[-1].name}"

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        mask = to_size(self.decoder(self.encoder(images)[-1]), images.shape[2:])
        return {"logits": mask.flatten(1).amax(1, keepdim=True), "mask": mask}
