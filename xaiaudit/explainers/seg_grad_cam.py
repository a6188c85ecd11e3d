"""Seg-Grad-CAM: Grad-CAM of the lesion mask that the model draws, whatever it decides."""

from dataclasses import dataclass

from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.explainers.layer_gradients import LayerGradients, weighted_by_mean
from xaiaudit.explainers.of_layer import OfLayer
from xaiaudit.tensors import Labels, Model, Outputs, Valid

NO_MASK = "seg-grad-cam explains the mask of a model with a mask head, and this one has none: use grad-cam"


@dataclass(frozen=True, kw_only=True)
class SegGradCAM(LayerGradients):
    """Grad-CAM whose score is the sum of the mask logits over the predicted mask, the pixels with a logit of 0 or more.

    What is drawn on padding is no lesion, as where regions are made of a predicted mask, and has no part in the
    score. The target is checked and ignored: there is one mask. Where the predicted mask is empty the score is
    constant, so the map is zero: undefined.

    Source: Vinogradova et al. 2020, arXiv:2002.11434, with the set of pixels M of the class lesion.
    """

    layer: str | None = None  # None: the model's own, which mask and class share in a multi-task network

    def needs(self, model: Model) -> tuple[str, ...]:
        """Raises UsageError where the model says that it has no mask head."""
        if not getattr(model, "has_mask", True):
            raise UsageError(NO_MASK)
        return OfLayer.needs(self, model)

    def score(self, outputs: Outputs, target: Labels, valid: Valid | None) -> Tensor:
        mask = outputs.mask_logits
        if mask is None:
            raise UsageError(NO_MASK)
        marked = mask >= 0 if valid is None else (mask >= 0) & valid
        return (mask * marked).sum((1, 2, 3))

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        return weighted_by_mean(features, slopes)
