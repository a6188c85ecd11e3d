"""Class activation mapping: the feature maps weighted as the linear layer after pooling weights them."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.errors import UsageError
from xaiaudit.explainers.of_layer import OfLayer
from xaiaudit.explainers.reading import check_target, features_of
from xaiaudit.tensors import Labels, Model, Outputs, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class CAM(OfLayer):
    """sum_k w_k A_k, signed, whose mean over the cells is the score of the class, but for its bias.

    w is the row of the class; of two classes with a logit each it is the row of the class less the other's,
    as their difference decides, and with a single logit z the row of z for class 1, its negative for class
    0. So the two maps of a binary decision are each other's negative.

    Source: Zhou et al. 2016, arXiv:1512.04150; signed binary maps: Byra et al. 2022,
    doi:10.15557/JoU.2022.0013.
    """

    layer: str | None = None  # None: the model's own, the only one that its head speaks of

    signed: ClassVar[bool] = True

    def explained(self, model: Model) -> str:
        """Raises UsageError as `from_outputs` does."""
        (layer,) = self.needs(model)
        _head_weights(model, layer)
        return layer

    def from_outputs(
        self, model: Model, outputs: Outputs, target: Labels, *, valid: Valid | None = None
    ) -> Saliency:
        """Needs no gradient.

        Raises:
            UsageError: the model does not end in global average pooling of the layer and one linear layer.
        """
        return self.traced(model, outputs, target).detach()

    def traced(self, model: Model, outputs: Outputs, target: Labels) -> Saliency:
        """See `base.TracedExplainer`."""
        (layer,) = self.needs(model)
        features = features_of(outputs, layer)  # (n, c, u, v)
        check_target(outputs, target)
        rows = _rows(model, layer, one_logit=outputs.one_logit).to(features)
        return torch.einsum("nc,ncuv->nuv", rows[target], features)


def _rows(model: Model, layer: str, *, one_logit: bool) -> torch.Tensor:
    """Weights of the features in the decision for each class, (k, c)."""
    weights = _head_weights(model, layer)
    return weights - weights.flip(0) if len(weights) == 2 and not one_logit else weights


def _head_weights(model: Model, layer: str) -> torch.Tensor:
    """Weights of the features of the layer in the logit of each class, (k, c)."""
    head_weights = getattr(model, "head_weights", None)
    if head_weights is None:
        raise UsageError(
            f"CAM is not defined for {type(model).__name__}, which knows no linear head: wrap the network in "
            "AuditedModel, or use grad-cam"
        )
    weights: torch.Tensor = head_weights()
    own: str | None = getattr(model, "cam_layer", None)
    if own != layer:
        raise UsageError(
            f"CAM is not defined at {layer!r}, as the linear head reads {own!r}: use grad-cam there"
        )
    return weights
