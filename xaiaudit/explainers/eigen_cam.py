"""Eigen-CAM: where the features of the layer vary together, whatever the class."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiaudit.explainers.of_layer import OfLayer
from xaiaudit.explainers.reading import check_target, features_of
from xaiaudit.tensors import Labels, Model, Outputs, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class EigenCAM(OfLayer):
    """ReLU(A v), v the first right singular vector of the features A as (cells, channels), not centred.

    It needs no gradient and knows no class: the target is checked and ignored, and a decision that changes leaves the
    map as it is. A singular vector has no sign; taken is the one whose map has a positive sum.

    Source: Muhammad & Yeasin 2020, arXiv:2008.00299, equations 3 to 5.
    """

    layer: str | None = None  # None: the model's own

    def from_outputs(
        self, model: Model, outputs: Outputs, target: Labels, *, valid: Valid | None = None
    ) -> Saliency:
        """Needs no gradient. Of features that are not finite the map is NaN."""
        (layer,) = self.needs(model)
        features = features_of(outputs, layer).detach()  # (n, c, u, v)
        check_target(outputs, target)
        finite = features.isfinite().flatten(1).all(1)[:, None, None]
        return torch.where(finite, _first_component(features.nan_to_num(0, 0, 0)), torch.nan).relu()


def _first_component(features: Tensor) -> Tensor:
    """(n, c, u, v) to (n, u, v), with a sum of at least 0."""
    cells = features.flatten(2).mT  # (n, uv, c)
    left, lengths, _ = torch.linalg.svd(cells, full_matrices=False)
    maps = (left[..., 0] * lengths[..., :1]).unflatten(1, features.shape[2:])
    return torch.where(maps.sum((1, 2), keepdim=True) < 0, -maps, maps)
