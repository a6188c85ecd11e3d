"""What explainers share that weigh a layer's feature maps by the gradients of the class score there."""

from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.explainers.of_layer import OfLayer
from xaiaudit.explainers.reading import check_target, features_of
from xaiaudit.tensors import Labels, Model, Outputs, Saliency, Valid


@runtime_checkable
class LayerGradients(OfLayer, Protocol):
    """A frozen dataclass with a `layer` becomes an explainer by naming this protocol and `combine`.

    The score is `Outputs.class_score`, one for each image, its own class; `score` says otherwise where it is not.
    """

    gradients: ClassVar[bool] = True

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        """Features and the gradient of the score to them, (n, c, u, v) twice, to maps (n, u, v)."""
        ...

    def score(self, outputs: Outputs, target: Labels, valid: Valid | None) -> Tensor:
        """(n,), what the gradients start from; `valid` as for `base.Explainer`."""
        return outputs.class_score(target)

    def from_outputs(
        self, model: Model, outputs: Outputs, target: Labels, *, valid: Valid | None = None
    ) -> Saliency:
        """Leaves the graph of `outputs` for whoever made the forward.

        Raises:
            UsageError: the features carry no gradient, or the score does not depend on them.
        """
        features, slopes = self._slopes(model, outputs, target, valid, traced=False)
        return self.combine(features.detach(), slopes)

    def traced(self, model: Model, outputs: Outputs, target: Labels) -> Saliency:
        """See `base.TracedExplainer`: the weights are differentiated too."""
        return self.combine(*self._slopes(model, outputs, target, None, traced=True))

    def _slopes(
        self, model: Model, outputs: Outputs, target: Labels, valid: Valid | None, *, traced: bool
    ) -> tuple[Tensor, Tensor]:
        """Features and the gradient of the score to them, (n, c, u, v) twice."""
        (layer,) = self.needs(model)
        features = features_of(outputs, layer)  # (n, c, u, v)
        check_target(outputs, target)
        score = self.score(outputs, target, valid)
        return features, slopes_at(layer, features, score, traced=traced)


def slopes_at(layer: str, features: Tensor, score: Tensor, *, traced: bool = False) -> Tensor:
    """Gradient of each image's score, (n,), to its features; the graph stays.

    With `traced` the gradient can be differentiated itself.

    Raises:
        UsageError: the features carry no gradient, or the score does not depend on them.
    """
    if not features.requires_grad:
        raise UsageError(
            f"the features of {layer!r} carry no gradient: make the forward with gradients enabled"
        )
    # images do not meet, so each gradient is its image's own
    (slopes,) = torch.autograd.grad(
        score.sum(), features, retain_graph=True, create_graph=traced, allow_unused=True
    )
    if slopes is None:
        raise UsageError(
            f"the score does not depend on {layer!r}: name a layer on the way to the head that is explained"
        )
    return slopes


def weighted_by_mean(features: Tensor, slopes: Tensor) -> Tensor:
    """ReLU(sum_k a_k A_k), a_k the mean of the slopes over the cells: (n, c, u, v) twice to maps (n, u, v)."""
    return weighted(slopes.mean((2, 3)), features)


def weighted(weights: Tensor, features: Tensor) -> Tensor:
    """ReLU(sum_k w_k A_k): weights (n, c) and features (n, c, u, v) to maps (n, u, v)."""
    return torch.einsum("nc,ncuv->nuv", weights, features).relu()
