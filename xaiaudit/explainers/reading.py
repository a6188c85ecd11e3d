"""What every explainer reads: the layer to explain, its features, and one target an image."""

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.tensors import Images, Labels, Model, Outputs


def layer_of(model: Model, layer: str | None) -> str:
    """`layer`, or where it is None the one that the model names as `cam_layer`.

    Raises:
        UsageError: neither is known; convolutional layers near the end are named.
    """
    found: str | None = layer or getattr(model, "cam_layer", None)
    if found:
        return found
    net = getattr(model, "net", model)
    modules = net.named_modules() if isinstance(net, nn.Module) else ()
    names = [name for name, module in modules if isinstance(module, nn.Conv2d) and name]
    hint = f", such as {', '.join(names[:-4:-1])}" if names else ""
    raise UsageError(f"no layer to explain in {type(net).__name__}: name one, layer=...{hint}")


def black(model: Model, size: tuple[int, int]) -> Images:
    """(1, c, h, w) zeros with as many channels as the model is given: two where it takes the outlined lesion."""
    channels = getattr(getattr(model, "preprocessing", None), "given", 1)
    return torch.zeros(1, channels, *size).to(getattr(model, "mean", torch.zeros(())))


def features_of(outputs: Outputs, layer: str) -> Tensor:
    """The feature maps of `layer`, (n, c, u, v).

    Raises:
        UsageError: the forward was made without this layer, or its output is no set of feature maps.
    """
    if layer not in outputs.features:
        kept = ", ".join(outputs.features) or "none"
        raise UsageError(
            f"outputs hold no features of {layer!r} (kept: {kept}): call model(images, layers=({layer!r},))"
        )
    features = outputs.features[layer]
    if features.ndim != 4:
        raise UsageError(
            f"layer {layer!r} gives {tuple(features.shape)}, not (n, c, u, v): name a convolutional layer"
        )
    return features


def check_target(outputs: Outputs, target: Labels) -> None:
    """One class of the model for each image, never broadcast and never cut short.

    Raises:
        UsageError: another number of targets than images, or a class that the model has not.
    """
    n, classes = outputs.logits.shape
    if target.shape != (n,):
        raise UsageError(
            f"target must hold one class for each of the {n} images, got shape {tuple(target.shape)}"
        )
    if n and not torch.logical_and(target >= 0, target < classes).all():
        low, high = int(target.min()), int(target.max())
        raise UsageError(f"target classes must lie in 0 to {classes - 1}, got {low} to {high}")
