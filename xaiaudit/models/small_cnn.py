"""A small convolutional classifier for the demonstration and the tests: seconds to train, exact CAM."""

from torch import Tensor, nn

from xaiaudit.errors import UsageError

WIDTHS = (16, 32, 64, 64)


def small_cnn(*, classes: int, channels: int, weights: str = "none") -> nn.Module:
    """A `SmallCNN` of `classes` logits.

    Raises:
        UsageError: pretrained weights, of which there are none.
    """
    if weights != "none":
        raise UsageError(f"small-cnn has no pretrained weights, got weights {weights!r}; use 'none'")
    return SmallCNN(classes, channels)


class SmallCNN(nn.Module):
    """Four convolutions of stride 2, global average pooling, one linear layer: (n, c, h, w) to (n, k)."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        blocks = [_block(before, after) for before, after in zip((channels, *WIDTHS), WIDTHS, strict=False)]
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images).mean((2, 3)))
        return logits


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )
