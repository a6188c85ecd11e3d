"""A classifier of the registry as an encoder: its feature maps at every scale, without its head."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.features import caught
from xaiaudit.models.frozen import frozen
from xaiaudit.models.probing import Call, feature_maps
from xaiaudit.models.registry import build, heads_of, is_factory
from xaiaudit.models.weights import head_name

PROBE = 224  # pixels, of the image that finds the levels


@dataclass(frozen=True)
class Level:
    """One scale of a network's feature maps."""

    name: str  # dotted, of the layer
    width: int  # channels
    octave: int  # its maps are about 2 ** -octave times the size of the image


class Encoder(nn.Module):
    """(n, c, h, w) to its feature maps, one an octave, from fine to coarse: [(n, width, u, v), ...].

    The classifier's own head is gone, so that no weight is carried that nothing uses.

    Raises:
        UsageError: a network without feature maps.
    """

    def __init__(self, net: nn.Module, channels: int) -> None:
        super().__init__()
        self.net = headless(net)
        self.levels = levels(self.net, channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        names = tuple(level.name for level in self.levels)
        with caught(self.net, names) as features:
            self.net(images)
        return [features[name] for name in names]

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(level.width for level in self.levels)


def encoder(backbone: str, channels: int, weights: str = "none") -> Encoder:
    """The registry's classifier `backbone` as an encoder, with these weights; see `registry.build`.

    Raises:
        UsageError: a backbone of your own code, which a checkpoint could then name, or one without feature maps.
    """
    return Encoder(build(checked(backbone), classes=2, channels=channels, weights=weights), channels)


def checked(backbone: str) -> str:
    """Raises UsageError for a network with a mask, or code of the user's, which a checkpoint naming it would run."""
    if is_factory(backbone):
        raise UsageError(f"backbone {backbone!r} must be a name of torchvision or timm:NAME, as in resnet50")
    if "mask" in (heads_of(backbone) or ()):
        raise UsageError(f"backbone {backbone!r} outlines lesions itself; name a classifier, as in resnet50")
    return backbone


def levels(net: nn.Module, channels: int) -> tuple[Level, ...]:
    """The scales of a classifier's feature maps, from fine to coarse, found by one forward.

    An octave's map is the last one of that size among the outermost layers that give one: of a ResNet the stages,
    not a convolution of the next stage that has not halved yet. The coarsest is the last before pooling.

    Raises:
        UsageError: no feature maps.
    """
    with frozen(net):
        images = torch.zeros(1, channels, PROBE, PROBE, requires_grad=True)
        maps = feature_maps(net, lambda: net(images))
    if not maps:
        raise UsageError(
            f"{type(net).__name__} gives no feature maps to decode; name a convolutional backbone"
        )
    best: dict[int, Call] = {}
    for call in maps:
        octave = _octave(call)
        if octave not in best or _depth(call) <= _depth(best[octave]):
            best[octave] = call
    last = _octave(maps[-1])
    best[last] = maps[-1]
    octaves = [octave for octave in sorted(best) if 0 < octave <= last]
    return tuple(Level(best[octave].name, best[octave].output.shape[1], octave) for octave in octaves)


def headless(net: nn.Module) -> nn.Module:
    """`net` without what follows its last feature map and has weights: its head is the identity."""
    name = head_name(net)
    if name is not None:
        setattr(net, name.partition(".")[0], nn.Identity())
    return net


def _octave(call: Call) -> int:
    return round(math.log2(PROBE / call.output.shape[2]))


def _depth(call: Call) -> int:
    return call.name.count(".")
