"""Networks whose answers can be worked out by hand, and a small one that cannot."""

import torch
from torch import Tensor, nn

from xaiaudit.models.audited import AuditedModel
from xaiaudit.tensors import Images, Outputs
from xaiaudit.types import Preprocessing


class LinearModel:
    """Logits [0, w . x + b], a single score."""

    def __init__(self, weights: Tensor, bias: float = 0.0) -> None:
        self.weights, self.bias = weights, bias

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        z = (images[:, 0] * self.weights).sum((1, 2)) + self.bias
        return Outputs(logits=torch.stack((torch.zeros_like(z), z), 1), one_logit=True)


class Conv(nn.Module):
    """Two convolutions, in-place ReLUs, a batch norm, global average pooling, one linear layer; and a mask head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 5, 3, stride=2, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(5)
        self.last = nn.Conv2d(5, 6, 3, stride=2, padding=1)
        self.top = nn.ReLU(inplace=True)
        self.outline = nn.Conv2d(6, 1, 1)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.top(self.last(self.act(self.norm(self.stem(x)))))
        return {"logits": self.head(features.mean((2, 3))), "mask": self.outline(features)}


def conv(seed: int = 0) -> AuditedModel:
    torch.manual_seed(seed)
    net = Conv()
    with torch.no_grad():
        net.norm.weight.uniform_(0.5, 1.5)
        net.norm.running_mean.uniform_(-0.1, 0.1)
    plain = Preprocessing(size=24, channels=1, mean=(0.0,), std=(1.0,))
    return AuditedModel(net, preprocessing=plain, outputs={"logits": "logits", "mask": "mask"}).double()


def pictures(n: int = 3, size: int = 24, seed: int = 1) -> Tensor:
    """On the 8-bit grid, in float64."""
    return (
        torch.randint(256, (n, 1, size, size), generator=torch.Generator().manual_seed(seed)).double() / 255
    )
