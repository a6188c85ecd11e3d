"""The explainers of a run: named by people or the usual ones, fixed in a plan, made from it."""

from collections.abc import Iterable, Sequence

from xaiaudit.auditing.plan import PlannedExplainer
from xaiaudit.auditing.specs import Spec, refuse_equal, unique
from xaiaudit.explainers.base import Explainer
from xaiaudit.explainers.registry import explainer as make_explainer
from xaiaudit.explainers.registry import settings
from xaiaudit.models import AuditedModel
from xaiaudit.types import plain


def planned_explainers(model: AuditedModel, explainers: Sequence[Spec] | None) -> list[PlannedExplainer]:
    """Each with an id, all its hyperparameters and the layer that it explains; None: the usual ones.

    Raises:
        UsageError: a name or parameter is unknown, two are equal, or an explainer does not suit the model.
    """
    specs = _usual(model) if explainers is None else explainers
    specs = [(name, settings(name, parameters)) for name, parameters in specs]  # defaults too
    refuse_equal("explainer", specs)
    planned = []
    for name_id, (name, whole) in zip(unique([name for name, _ in specs]), specs, strict=True):
        layer = make_explainer(name, **whole).explained(model)
        planned.append(PlannedExplainer(id=name_id, name=name, layer=layer, parameters=plain(whole)))
    return planned


def made_explainers(planned: Iterable[PlannedExplainer]) -> dict[str, Explainer]:
    """By id."""
    return {item.id: make_explainer(item.name, **item.parameters) for item in planned}


def _usual(model: AuditedModel) -> list[Spec]:
    """Grad-CAM, and CAM where the model ends in global average pooling and one linear layer."""
    return [("grad-cam", {}), *([("cam", {})] if model.head is not None else [])]
