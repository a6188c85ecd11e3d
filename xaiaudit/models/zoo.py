"""Classifiers of torchvision and timm, with any input channels and any head."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models._torchvision import timm, torchvision
from xaiaudit.models.weights import adapt_rgb, first_convolution, fit_into, load_into

# Only a training forward uses them, and it would then return more than logits.
_AUXILIARY = ("aux1", "aux2", "AuxLogits")
# timm would read files or names of its own accord; weights come in by one door.
_TIMM_DOORS = ("checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")


@cache
def torchvision_names() -> tuple[str, ...]:
    """Names of torchvision's image classifiers."""
    models = torchvision().models
    return tuple(models.list_models(module=models))


def torchvision_classifier(
    name: str, logits: int, channels: int, weights: str, arguments: Mapping[str, Any]
) -> nn.Module:
    """torchvision's `name` with its last layer `logits` wide; see `registry.build`.

    Raises:
        UsageError: weights that cannot be downloaded.
        CheckpointError: a weights file that cannot be read or does not fit.
    """
    models = torchvision().models
    plain = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net: nn.Module = _whole(models.get_model(name, weights=None, num_classes=logits, **plain, **arguments))
    if channels != 3:
        _change_channels(net, channels)
    if weights == "default":
        try:
            pretrained = _whole(models.get_model(name, weights="DEFAULT", **arguments))
        except (OSError, RuntimeError) as error:
            raise UsageError(_no_download(name, error)) from error
        fit_into(net, pretrained.state_dict(), f"torchvision's weights of {name}")
    elif weights != "none":
        load_into(net, weights)
    return net


def timm_classifier(
    name: str, logits: int, channels: int, weights: str, arguments: Mapping[str, Any]
) -> nn.Module:
    """timm's `name` with `logits` and `channels`; raises as that of torchvision, or for unknown names."""
    package = timm()
    if name.partition(".")[0] not in package.list_models():
        near = get_close_matches(name, package.list_models(), n=3, cutoff=0.5)
        nearest = (
            f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
            if near
            else "timm.list_models() lists them"
        )
        raise UsageError(f"unknown timm architecture {name!r}: {nearest}")
    if doors := set(arguments) & set(_TIMM_DOORS):
        raise UsageError(f"timm:{name} got {', '.join(sorted(doors))}; weights are named by weights alone")
    pretrained = weights == "default"
    try:
        net: nn.Module = package.create_model(
            name, pretrained=pretrained, num_classes=logits, in_chans=channels, **arguments
        )
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        raise UsageError(_no_download(f"timm:{name}", error)) from error
    if weights not in ("none", "default"):
        load_into(net, weights)
    return net


class PooledDenseNet(nn.Module):
    """torchvision's DenseNet with its last ReLU as a module at the end of `features`.

    There it is a function, in place, between `features` and the pooling, so that `features` is not the map
    that is pooled, and CAM has no layer. The outputs and the names of the weights are the same.
    """

    def __init__(self, features: nn.Sequential, classifier: nn.Linear) -> None:
        super().__init__()
        self.features = features
        self.features.add_module("relu5", nn.ReLU())
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(images), 1).flatten(1)
        logits: Tensor = self.classifier(pooled)
        return logits


def _whole(net: nn.Module) -> nn.Module:
    """`net` without auxiliary classifiers; DenseNet as `PooledDenseNet`."""
    for name in _AUXILIARY:
        if hasattr(net, name):
            setattr(net, name, None)
    if hasattr(net, "aux_logits"):
        setattr(net, "aux_logits", False)  # noqa: B010  a plain flag, which nn.Module types as a tensor
    if isinstance(net, torchvision().models.DenseNet):
        return PooledDenseNet(net.features, net.classifier)
    return net


def _change_channels(net: nn.Module, channels: int) -> None:
    found = first_convolution(net)
    if found is None:
        raise UsageError(f"{type(net).__name__} has no convolution to give {channels} channels; use 3")
    name, old = found
    new = nn.Conv2d(
        channels,
        old.out_channels,
        kernel_size=old.kernel_size,  # type: ignore[arg-type]  # stored as a tuple of two
        stride=old.stride,  # type: ignore[arg-type]
        padding=old.padding,  # type: ignore[arg-type]
        dilation=old.dilation,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    new.weight = nn.Parameter(adapt_rgb(old.weight.detach(), channels))
    new.bias = old.bias
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, new)


def _no_download(name: str, error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"pretrained weights of {name} cannot be had: {reason}; "
        "give a file (--weights PATH), or start from random ones (--weights none)"
    )
