"""LA-Net of Fan et al. 2022 (section 2.1): a lesion mask of every scale, which then guides the diagnosis.

A classifier without its head gives feature maps f_1 ... f_4. One CBAM, shared by the scales, refines each; each is
squeezed to one channel and resized to the last; a convolution and batch norm over the four give the logits of the
location mask P, at the size of f_4. The diagnosis is made from f_att = f_4 + f_4 * P (equation 3), averaged, by one
linear layer. P's sigmoid is applied there and in the loss, not in what is returned.

What the paper leaves open, and what was decided:
- Scales differ in channels, and a CBAM has as many as its input. A 1 x 1 convolution first brings each scale to
  `WIDTH` channels, as in a feature pyramid network (Lin et al. 2017, arXiv:1612.03144, 256 channels).
- Each scale is squeezed by a 1 x 1 convolution of its own; the one over f_merge has 3 x 3 pixels.
- LA-Net alone starts from Xavier's initialisation (section 3.3), biases from 0; the linear layer from torch's own.
"""

import torch
from torch import Tensor, nn

from xaiaudit.models.parts.cbam import cbam
from xaiaudit.models.parts.convolutions import to_size
from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.heads import pooled_head

SCALES = 4
WIDTH = 256


def la_net(
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    backbone: str = "resnet18",
    channel_attention: bool = True,
    spatial_attention: bool = True,
    mask_attention: bool = True,
) -> nn.Module:
    """An `LANet` on the registry's `backbone` with these weights; each attention can be left out, as in section 4.3.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or one without feature maps.
    """
    features = encoder(backbone, channels, weights)
    localiser = Localiser(
        features.widths[-SCALES:], channel_attention=channel_attention, spatial_attention=spatial_attention
    )
    return LANet(features, localiser, classes, mask_attention=mask_attention)


class LANet(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, u, v)}, (u, v) the size of the last feature map.

    The head takes the average of what `attend` gives; without mask attention, of the encoder's last map. So the class
    activation map is exact.
    """

    def __init__(
        self, features: Encoder, localiser: "Localiser", classes: int, *, mask_attention: bool = True
    ) -> None:
        super().__init__()
        self.encoder = features
        self.localiser = localiser
        self.attend = MaskAttention() if mask_attention else None
        self.head = pooled_head(features.widths[-1], classes)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps = self.encoder(images)
        mask = self.localiser(maps[-SCALES:])
        last = maps[-1] if self.attend is None else self.attend(maps[-1], mask)
        return {"logits": self.head(last), "mask": mask}


class Localiser(nn.Module):
    """Feature maps from fine to coarse to the logits of the lesion mask, (n, 1, u, v), the size of the coarsest."""

    def __init__(self, widths: tuple[int, ...], *, channel_attention: bool, spatial_attention: bool) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in widths)
        self.cbam = cbam(WIDTH, channel=channel_attention, spatial=spatial_attention)
        self.squeezes = nn.ModuleList(nn.Conv2d(WIDTH, 1, 1) for _ in widths)
        self.fuse = nn.Sequential(
            nn.Conv2d(len(widths), 1, 3, padding=1, bias=False),  # the batch norm has a bias
            nn.BatchNorm2d(1),
        )
        self.apply(_xavier)

    def forward(self, maps: list[Tensor]) -> Tensor:
        size = maps[-1].shape[2:]
        squeezed = [
            to_size(squeeze(self.cbam(lateral(scale))), size)
            for lateral, squeeze, scale in zip(self.laterals, self.squeezes, maps, strict=True)
        ]
        mask: Tensor = self.fuse(torch.cat(squeezed, 1))
        return mask


class MaskAttention(nn.Module):
    """f + f * P, P the probability of the lesion at each position. Fan et al. 2022, equation 3."""

    def forward(self, features: Tensor, mask_logits: Tensor) -> Tensor:
        return features + features * mask_logits.sigmoid()


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
