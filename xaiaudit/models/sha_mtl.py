"""SHA-MTL: soft attention on the skip connections to the mask, hard attention of the mask on the diagnosis.

Zhang et al. 2021, as far as their abstract tells: a dense encoder and an upsampling decoder, connected by attention
gates. How the hard attention acts, the decoder's depth and its widths are ours: see docs/models.md.
"""

from torch import Tensor, nn

from xaiaudit.models.parts.decoder import Decoder
from xaiaudit.models.parts.encoder import Encoder, encoder
from xaiaudit.models.parts.hard_attention import HardAttention
from xaiaudit.models.parts.heads import pooled_head

# of the decoder from 1/32 on: with DenseNet-121 the network has 8.2 M parameters
WIDTHS = (48, 48, 32, 16, 16)


def sha_mtl(
    *, classes: int, channels: int, weights: str = "none", backbone: str = "densenet121"
) -> nn.Module:
    """A `ShaMTL` whose encoder is the registry's `backbone`, with these weights.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or none.
    """
    return ShaMTL(encoder(backbone, channels, weights), channels, classes)


class ShaMTL(nn.Module):
    """(n, c, h, w) to {"logits": (n, k), "mask": (n, 1, h, w)}; train with cross-entropy + Dice."""

    def __init__(self, encoder: Encoder, channels: int, logits: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder(encoder.levels, channels, WIDTHS, gated=True)
        self.attend = HardAttention()
        self.head = pooled_head(encoder.widths[-1], logits)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps = self.encoder(images)
        mask = self.decoder(images, maps)
        return {"logits": self.head(self.attend(maps[-1], mask)), "mask": mask}
