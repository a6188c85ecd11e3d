"""The mean and deviation of intensities that pretrained weights were trained with, where they are not ImageNet's."""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from xaiaudit.models._torchvision import timm
from xaiaudit.models.registry import MODELS

# torchvision's own builder turns ImageNet's normalisation into this one in the forward; ours does not
_HALVES = ("inception_v3", "googlenet")


def of_weights(architecture: str, arguments: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """`mean` and `std` of the three channels; empty: ImageNet's, or not known, as of a factory of your own."""
    source, _, name = _backbone(architecture, arguments).rpartition(":")
    if source in ("", "torchvision") and name in _HALVES:
        return {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    if source != "timm":
        return {}
    published = timm().models.get_pretrained_cfg(name)
    return {} if published is None else {"mean": tuple(published.mean), "std": tuple(published.std)}


def _backbone(architecture: str, arguments: Mapping[str, Any]) -> str:
    """The classifier whose weights an architecture starts from: itself, or its argument `backbone`."""
    if architecture not in MODELS:
        return architecture
    module, _, attribute = MODELS[architecture].factory.partition(":")
    parameters = signature(getattr(import_module(module), attribute)).parameters
    default = parameters["backbone"].default if "backbone" in parameters else ""
    return str(arguments.get("backbone", default))
