"""A classifier of the registry up to stride 16: the feature map that all heads of a detector share."""

from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from xaiaudit.errors import UsageError
from xaiaudit.models.parts.encoder import checked, headless, levels
from xaiaudit.models.registry import build

OCTAVE = 4  # of the shared map: a stride of 16 pixels


class SharedMap(nn.Module):
    """(n, c, h, w) to (n, width, h / 16, w / 16).

    What comes after that map in the classifier is gone: of ResNet-50 its last stage, so that 1024 channels are left.

    Raises:
        UsageError: a backbone of your own code, or without a map of stride 16.
    """

    def __init__(self, backbone: str, channels: int, weights: str = "none") -> None:
        super().__init__()
        net = headless(build(checked(backbone), classes=2, channels=channels, weights=weights))
        found = [level for level in levels(net, channels) if level.octave == OCTAVE]
        if not found:
            raise UsageError(
                f"backbone {backbone!r} has no feature map of stride 16, on which regions are proposed; name another, "
                "as in resnet50 or mobilenet_v2"
            )
        self.net = create_feature_extractor(net, {found[0].name: "shared"})
        self.width = found[0].width

    def forward(self, images: Tensor) -> Tensor:
        shared: Tensor = self.net(images)["shared"]
        return shared
