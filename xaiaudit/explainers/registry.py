"""Explainers by name. A new one is a file of its own and a line here. Needs no torch until one is asked for."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from xaiaudit.errors import UsageError

if TYPE_CHECKING:
    from xaiaudit.explainers.base import Explainer

EXPLAINERS: Mapping[str, str] = {
    "cam": "xaiaudit.explainers.cam:CAM",
    "grad-cam": "xaiaudit.explainers.grad_cam:GradCAM",
    "grad-cam++": "xaiaudit.explainers.grad_cam_pp:GradCAMPlusPlus",
    "hirescam": "xaiaudit.explainers.hirescam:HiResCAM",
    "layercam": "xaiaudit.explainers.layercam:LayerCAM",
    "xgrad-cam": "xaiaudit.explainers.xgrad_cam:XGradCAM",
    "eigen-cam": "xaiaudit.explainers.eigen_cam:EigenCAM",
    "seg-grad-cam": "xaiaudit.explainers.seg_grad_cam:SegGradCAM",
    "score-cam": "xaiaudit.explainers.score_cam:ScoreCAM",
    "cameras": "xaiaudit.explainers.cameras:CAMERAS",
    "integrated-gradients": "xaiaudit.explainers.integrated_gradients:IntegratedGradients",
    "smoothgrad": "xaiaudit.explainers.smoothgrad:SmoothGrad",
    "occlusion": "xaiaudit.explainers.occlusion:Occlusion",
    "guided-grad-cam": "xaiaudit.explainers.guided_grad_cam:GuidedGradCAM",
}


def explainer(name: str, **parameters: Any) -> "Explainer":
    """The explainer of that name, e.g. explainer("grad-cam", layer="layer4").

    Raises:
        UsageError: an unknown name or parameter (what there is is listed), or a value out of range.
    """
    known = parameters_of(name)
    takes = f"it takes {', '.join(known)}"
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(f"the explainer {name} has no parameter {parameter!r}; {takes}")
    try:
        built: Explainer = _class(name)(**parameters)
    except UsageError as error:
        raise UsageError(f"the explainer {name}: {error}; {takes}") from error
    return built


def parameters_of(name: str) -> dict[str, Any]:
    """The explainer's hyperparameters, each with its type."""
    return {field.name: field.type for field in fields(_class(name))}


def settings(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every hyperparameter, defaults too: `explainer(name, **settings(...))` is the same explainer."""
    made = explainer(name, **parameters)
    return {parameter: getattr(made, parameter) for parameter in parameters_of(name)}


def _class(name: str) -> type[Any]:
    if name not in EXPLAINERS:
        raise UsageError(f"no explainer {name!r}; {_nearest(name, list(EXPLAINERS))}")
    module, attribute = EXPLAINERS[name].split(":")
    made: type[Any] = getattr(import_module(module), attribute)
    return made


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
