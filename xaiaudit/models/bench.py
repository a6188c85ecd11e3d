"""The classifiers of the benchmark of Shareef et al. 2023, alone and with its segmentation subnetwork.

Any backbone; the paper's seven are `BACKBONES`. Its last feature map is averaged and goes through dense layers of
512 and 64 units with ReLU to the class; beside it, in the multi-task form, `Decoder` draws the mask. The paper's
own output is one sigmoid. The code that the authors published has dropout of 0.3 after the first dense layer, and
the paper says that it used no regularization: there is none here.
"""

from torch import Tensor, nn

from xaiaudit.models.parts.decoder import Decoder
from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.heads import pooled_head

HIDDEN = (512, 64)  # units of the dense layers
BACKBONES = {  # as the paper names them; Inception-v3 takes images of 299 pixels
    "MobileNet V1": "timm:mobilenetv1_100",
    "EfficientNet-B0": "efficientnet_b0",
    "DenseNet-121": "densenet121",
    "Xception": "timm:legacy_xception",
    "Inception-v3": "inception_v3",
    "ResNet-50": "resnet50",
    "VGG-16": "vgg16",
}


def bench_stl(*, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50") -> nn.Module:
    """A `Bench` that classifies alone, on the registry's `backbone` with these weights.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or none.
    """
    return Bench(encoder(backbone, channels, weights), classes)


def bench_mtl(*, classes: int, channels: int, weights: str = "none", backbone: str = "resnet50") -> nn.Module:
    """A `Bench` with a mask beside the class, and raises as `bench_stl`; train with 1.5 BCE + Dice."""
    found = encoder(backbone, channels, weights)
    return Bench(found, classes, Decoder(found.levels, channels))


class Bench(nn.Module):
    """(n, c, h, w) to logits (n, k); with a decoder to {"logits": (n, k), "mask": (n, 1, h, w)}."""

    def __init__(self, encoder: Encoder, logits: int, decoder: Decoder | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = pooled_head(encoder.widths[-1], logits, HIDDEN)
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor | dict[str, Tensor]:
        maps = self.encoder(images)
        logits: Tensor = self.head(maps[-1])
        if self.decoder is None:
            return logits
        return {"logits": logits, "mask": self.decoder(images, maps)}
