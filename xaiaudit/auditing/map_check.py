"""Before an audit: the maps that it will take equal those of a clean recomputation, or it stops."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaiaudit.auditing.counted import Counted, Seen, unheard
from xaiaudit.auditing.judging import maps_of
from xaiaudit.auditing.loading import Loaded
from xaiaudit.errors import AuditError
from xaiaudit.explainers.base import Explainer, FromOutputs
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import Images, Outputs

PROBES = 2  # images: the least that can be confused with one another
TOLERANCE = (
    0.01  # length of the difference over that of the longer map: far above rounding, far below a wrong map
)


def check_maps(
    model: AuditedModel, loaded: Loaded, explainers: Mapping[str, Explainer], seen: Seen = unheard
) -> dict[str, float]:
    """Compare maps of the images, as a batch of mixed classes and by the audit's model and hooks, with clean ones.

    Clean: one image at a time, on a copy of the network with weights laid out as usual, features cloned by a hook of
    its own. What both have in common is the formula, which the tests check. Maps undefined in both are equal.

    `seen` is told of the forwards that explainers make of their own, those of the clean maps too.

    Returns:
        The largest difference of each explainer's maps, by its name: the length of the difference over that of the
        longer map.

    Raises:
        AuditError: a map differs: the features were changed after they were taken, or what the network gives depends on
            other images, on chance, or on how often it was called.
    """
    plain = _Plain(model)
    images, n = loaded.images, len(loaded.images)
    target = np.arange(n) % len(model.classes)
    given = maps_of(model, images, explainers, target, valid=loaded.valid, seeds=loaded.seeds, seen=seen)
    largest = dict.fromkeys(explainers, 0.0)
    for name, explainer in explainers.items():
        watched = plain if isinstance(explainer, FromOutputs) else Counted(plain, partial(seen, name))
        for i, seed in enumerate(loaded.seeds):
            one = slice(i, i + 1)
            classes = torch.from_numpy(target[one]).to(images.device)
            clean = explainer(watched, images[one], classes, valid=loaded.valid[one], seeds=[seed])
            difference = _difference(given[name][i], clean[0].detach().float().cpu().numpy())
            largest[name] = max(largest[name], difference)
            if difference > TOLERANCE:
                raise AuditError(
                    f"the {name} map of {loaded.planned[i].name} differs by {difference:.0%} from one recomputed for "
                    "that image alone on a copy of the network, so its maps cannot be trusted: see that what the "
                    "network gives depends on nothing but the image (no draws, no statistics of the batch, no state "
                    f"between calls), or leave the explainer {name} out"
                )
    return largest


def _difference(given: np.ndarray, clean: np.ndarray) -> float:
    """|given - clean| / max(|given|, |clean|), Euclidean; 0 where both are zero or both hold what is not finite."""
    if not (np.isfinite(given).all() and np.isfinite(clean).all()):
        return 0.0 if np.array_equal(np.isfinite(given), np.isfinite(clean)) else np.inf
    longer = max(np.linalg.norm(given), np.linalg.norm(clean))
    return float(np.linalg.norm(given - clean) / longer) if longer > 0 else 0.0


class _Plain:
    """The model again, sharing nothing but how its inputs and outputs are read."""

    def __init__(self, model: AuditedModel) -> None:
        self._model = model
        self._net = copy.deepcopy(model.net).eval().requires_grad_(False)
        self._net.to(memory_format=torch.contiguous_format)

    def __getattr__(self, name: str) -> Any:
        """What the model is: its layer, its head, whether it has a mask."""
        return getattr(self._model, name)

    def __call__(self, images: Images, layers: Sequence[str] = ()) -> Outputs:
        kept: dict[str, Tensor] = {}
        handles = [
            self._net.get_submodule(layer).register_forward_hook(partial(_clone, kept, layer))
            for layer in layers
        ]
        try:
            returned = self._net(self._model.normalise(images))
        finally:
            for handle in handles:
                handle.remove()
        return replace(self._model.read(returned, images), features=kept)


def _clone(
    kept: dict[str, Tensor], layer: str, _module: nn.Module, _inputs: object, output: Tensor
) -> Tensor:
    mine = output.clone()
    if torch.is_grad_enabled() and not mine.requires_grad:
        mine.requires_grad_()
    kept[layer] = mine
    return mine.clone()
