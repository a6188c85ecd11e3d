"""Networks that an attack cannot or must not trust, made of one that is sound."""

import torch
from torch import Tensor, nn


class Wrapped(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net


class Steep(Wrapped):
    """A sigmoid so steep that its gradient is zero in float32 but near the boundary; the decisions stay."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.net(images)
        sure = 10 * torch.tanh(2000 * (logits[:, 1] - logits[:, 0]))
        return torch.stack((torch.zeros_like(sure), sure), 1)


class Quantised(Wrapped):
    """Sees the image in 24 shades of grey: rounding has no gradient."""

    def forward(self, images: Tensor) -> Tensor:
        return self.net((images * 24).round() / 24)


class _Astray(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, images: Tensor) -> Tensor:
        return images.clone()

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return torch.randn(grad.shape[1:], generator=torch.Generator().manual_seed(0)).expand_as(grad)


class Astray(Wrapped):
    """Its gradients are neither zero nor NaN, and lead nowhere."""

    def forward(self, images: Tensor) -> Tensor:
        return self.net(_Astray.apply(images))


class Curved(Wrapped):
    """Gradients tell of the next grey level, and no farther."""

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images + 0.04 * torch.sin(300 * images))


class Random(Wrapped):
    def forward(self, images: Tensor) -> Tensor:
        logits = self.net(images)
        return logits + 0.3 * torch.randn_like(logits)


class InCompany(Wrapped):
    """Looks at the whole batch, as batch norm does in training mode."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.net(images)
        return logits - logits.mean(0)


class Alone(Wrapped):
    """Says something else of an image that nobody is with."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.net(images)
        return logits + float(len(images) == 1) * torch.tensor([0.0, 1.0])


class Probabilities(Wrapped):
    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).softmax(1)


class OneProbability(Wrapped):
    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).softmax(1)[:, 1:]


class Constant(Wrapped):
    def forward(self, images: Tensor) -> Tensor:
        return torch.tensor([2.0, -1.0]).expand(len(images), 2) + 0 * self.net(images)
