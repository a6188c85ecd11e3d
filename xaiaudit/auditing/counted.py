"""Explainers that show the network many images for one map: how many that will be, and how many it has been."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xaiaudit.auditing.chosen_explainers import made_explainers, planned_explainers
from xaiaudit.auditing.specs import Spec
from xaiaudit.explainers.base import Explainer, FromOutputs
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import Images, Model, Outputs

Seen = Callable[[str, int], None]  # id of the explainer, images that the network has just seen for it
OnMap = Callable[[int, int, str, str], None]  # forwards done, in all, what for, id of the explainer
FEW = 2  # forwards a map that are not worth a word


def unheard(_name: str, _images: int) -> None:
    """Where nobody wants to know."""


class Counted:
    """The model as it is, telling after each forward how many images went through."""

    def __init__(self, model: Model, tell: Callable[[int], None]) -> None:
        self._model, self._tell = model, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        outputs: Outputs = self._model(images, layers)
        self._tell(len(images))
        return outputs


def own_forwards(model: AuditedModel, explainers: Mapping[str, Explainer]) -> dict[str, int]:
    """Of each that makes forwards of its own: how many for a map, by id."""
    size = (model.preprocessing.size, model.preprocessing.size)
    return {
        name: explainer.forwards(model, size)
        for name, explainer in explainers.items()
        if not isinstance(explainer, FromOutputs)
    }


def telling(on_map: OnMap | None, phase: str, total: int) -> Seen:
    """Sums up for `on_map` what has been seen; not beyond `total`, where a part is done again for want of memory."""
    done = 0

    def seen(name: str, images: int) -> None:
        nonlocal done
        done = min(done + images, total)
        if on_map is not None:
            on_map(done, total, phase, name)

    return seen


def cost_lines(model: AuditedModel, explainers: Sequence[Spec] | None) -> list[str]:
    """A line for each explainer that asks for many forwards; `explainers` as for `planned_explainers`.

    Raises:
        UsageError: an explainer that does not suit the model.
    """
    costs = own_forwards(model, made_explainers(planned_explainers(model, explainers)))
    return [
        f"Cost: {name} takes {count} forward passes for each map of each image"
        for name, count in costs.items()
        if count > FEW
    ]
