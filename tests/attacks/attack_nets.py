"""Small models with known properties for the tests of the attacks."""

import numpy as np
import torch
from torch import Tensor, nn

from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.criteria import LeaveDecision, ShiftMap
from xaiaudit.attacks.registry import attack_class
from xaiaudit.auditing.audited_maps import AuditedMaps
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.functional import decision
from xaiaudit.models.features import caught
from xaiaudit.tensors import Model, Outputs


class AsModel(nn.Module):
    """A network of logits as a model; one logit is read as [0, z]."""

    cam_layer = "3"  # of `smooth_cnn`

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.eval()

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        with caught(self.net, layers) as features:
            logits = self.net(images)
        if logits.shape[1] == 1:
            return Outputs(
                torch.cat((torch.zeros_like(logits), logits), 1), features=features, one_logit=True
            )
        return Outputs(logits, features=features)


class Counted(AsModel):
    """Knows how many images went forwards and backwards through it; as many a network, it does not take none.

    `backwards` are the passes that reached the image, `within` those that ended at a layer that was asked for.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        self.forwards = self.backwards = self._at_layers = 0

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        assert len(images)
        self.forwards += len(images)
        if images.requires_grad:
            images.register_hook(self._went_back)
        outputs = super().forward(images, layers)
        for features in outputs.features.values():
            if features.requires_grad:
                features.register_hook(self._came_by)
        return outputs

    @property
    def within(self) -> int:
        return self._at_layers - self.backwards if self._at_layers else 0

    def _came_by(self, grad: Tensor) -> None:
        self._at_layers += len(grad)

    def _went_back(self, grad: Tensor) -> None:
        self.backwards += len(grad)


class Linear(nn.Module):
    """logits = x w + b, with w (pixels, k)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight + self.bias


def linear(weight: Tensor, bias: Tensor) -> AsModel:
    return AsModel(Linear(weight, bias))


def smooth_cnn(classes: int = 2, *, seed: int = 0, channels: int = 1, scale: float = 30.0) -> nn.Module:
    """A smooth network, so that no tie of signs decides a comparison; its logits differ between images."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.Softplus(beta=3),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        nn.Softplus(beta=3),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(72, classes),
    ).double()
    with torch.no_grad():
        net[-1].weight *= scale
        net[-1].bias -= net(some_images(64, seed=99, channels=channels)).mean(0)
    return net.eval()


def some_images(n: int, *, seed: int = 0, size: int = 12, channels: int = 1) -> Tensor:
    """Float64 images on the 8-bit grid, smooth enough to differ as a whole, some pixels at 0 and at 1."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, channels, 4, 4, generator=generator, dtype=torch.float64)
    fine = torch.rand(n, channels, size, size, generator=generator, dtype=torch.float64)
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return ((1.4 * smooth - 0.2 + 0.3 * (fine - 0.5)).clamp(0, 1) * 255).round() / 255


def clean_logits(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).logits


def moves_maps(name: str) -> bool:
    """The attack has a goal of its own, which no criterion of labels can be."""
    return getattr(attack_class(name), "criterion", None) == "shift-map"


def no_lesions(images: Tensor) -> AuditedMaps:
    """A map has moved once its mass centre is a tenth of the diagonal away, or it vanished."""
    n, _, h, w = images.shape
    return AuditedMaps(np.full((n, h, w), 3, np.uint8), np.zeros(n, bool), np.full((n, 2), np.nan))


def goal(name: str, model: Model, images: Tensor) -> Criterion:
    """What attacks are after as they come: to leave the clean decision, or to move the map and keep it."""
    leave = LeaveDecision(clean_logits(model, images))
    return ShiftMap(leave, no_lesions(images)) if moves_maps(name) else leave


def reaches(name: str, model: Model, images: Tensor, found: Tensor) -> Tensor:
    """(n,) bool: `found` reach what `goal` is, asked of the model once more."""
    before, after = (decision(clean_logits(model, x)) for x in (images, found))
    if not moves_maps(name):
        return before != after
    old, new = (GradCAM()(model, x, before) for x in (images, found))
    everything = torch.arange(len(images))
    return no_lesions(images).moved(old, new, everything, signed=False) & (before == after)


class Pit(nn.Module):
    """The decision changes only between 0.04 and 0.06 away; the slope at the clean image promises it at 0.2."""

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        u = (images - 0.5).mean((1, 2, 3))
        inside = (u > 0.04) & (u < 0.06)
        z = 0.2 - u - torch.where(inside, 1.0, 0.0) + torch.where(u > 0.06, 5.0, 0.0)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))
