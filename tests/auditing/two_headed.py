"""A small network with two heads."""

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """A class head and a mask head on features that an in-place ReLU follows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(inplace=True))
        self.last = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.BatchNorm2d(8))
        self.act = nn.ReLU(inplace=True)
        self.head, self.mask = nn.Linear(8, 2), nn.Conv2d(8, 1, 1)

    def features(self, x: Tensor) -> Tensor:
        return self.act(self.last(self.first(x)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        kept = self.features(x)
        return {"logits": self.head(kept.mean((2, 3))), "mask": self.mask(kept)}
