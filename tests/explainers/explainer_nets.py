"""Small networks in float64 that explainers are tried on."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from xaiaudit.models.audited import AuditedModel
from xaiaudit.types import Preprocessing

PLAIN = Preprocessing(size=24, channels=1, mean=(0.0,), std=(1.0,))


class Small(nn.Module):
    """Two convolutions, in-place ReLUs, global average pooling, one linear layer."""

    def __init__(self, outputs: int, *, inplace: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 5, 3, stride=2, padding=1)
        self.first = nn.ReLU(inplace=inplace)
        self.last = nn.Conv2d(5, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=inplace)
        self.head = nn.Linear(6, outputs)

    def features(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.last(self.first(self.stem(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


class TwoHeads(Small):
    """A class head and a mask head on the same features, as a dictionary."""

    def __init__(self, outputs: int, *, inplace: bool = True) -> None:
        super().__init__(outputs, inplace=inplace)
        self.mask = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.features(x)
        return {"logits": self.head(features.mean((2, 3))), "mask": self.mask(features)}


class Doubled(nn.Module):
    """One channel of intensities becomes the features (x, 2x), which a linear layer reads."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.features = nn.Conv2d(1, 2, 1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2, len(weights))
        with torch.no_grad():
            self.features.weight.copy_(torch.tensor([1.0, 2.0]).view(2, 1, 1, 1))
            self.head.weight.copy_(torch.tensor(weights))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.features(x)).flatten(1))


def small(
    outputs: int = 2, seed: int = 0, net: Callable[..., nn.Module] = TwoHeads, **options: bool
) -> AuditedModel:
    torch.manual_seed(seed)
    classes = ("benign", "malignant", "normal")[: max(outputs, 2)]
    return AuditedModel(net(outputs, **options).double(), classes=classes, preprocessing=PLAIN).double()


def batch(n: int = 4, h: int = 24, w: int = 24) -> Tensor:
    return torch.rand(n, 1, h, w, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
