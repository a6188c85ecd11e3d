"""Explainers by name. A new one is a file of its own and a line here."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from xaiaudit.errors import UsageError
from xaiaudit.explainers.base import Explainer

EXPLAINERS: Mapping[str, str] = {
    "cam": "xaiaudit.explainers.cam:CAM",
    "grad-cam": "xaiaudit.explainers.grad_cam:GradCAM",
    "grad-cam++": "xaiaudit.explainers.grad_cam_pp:GradCAMPlusPlus",
    "hirescam": "xaiaudit.explainers.hirescam:HiResCAM",
    "layercam": "xaiaudit.explainers.layercam:LayerCAM",
    "xgrad-cam": "xaiaudit.explainers.xgrad_cam:XGradCAM",
    "eigen-cam": "xaiaudit.explainers.eigen_cam:EigenCAM",
}


def explainer(name: str, **parameters: Any) -> Explainer:
    """The explainer of that name, e.g. explainer("grad-cam", layer="layer4").

    Raises:
        UsageError: an unknown name or parameter; the nearest right ones are listed.
    """
    if name not in EXPLAINERS:
        raise UsageError(f"no explainer {name!r}; {_nearest(name, list(EXPLAINERS))}")
    module, attribute = EXPLAINERS[name].split(":")
    made: type[Any] = getattr(import_module(module), attribute)
    known = [field.name for field in fields(made)]
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(f"{name} has no parameter {parameter!r}; {_nearest(parameter, known)}")
    built: Explainer = made(**parameters)
    return built


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
