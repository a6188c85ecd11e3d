"""Grad-CAM: the feature maps weighted by how much the score of the class rises with each, on average."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.errors import UsageError
from xaiaudit.explainers.reading import check_target, features_of, layer_of
from xaiaudit.tensors import Images, Labels, Model, Outputs, Saliency


@dataclass(frozen=True, kw_only=True)
class GradCAM:
    """ReLU(sum_k a_k A_k), a_k the mean over the cells of d score / d A_k; score is `Outputs.class_score`.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """

    layer: str | None = None  # None: the model's own

    signed: ClassVar[bool] = False

    def __call__(self, model: Model, images: Images, target: Labels) -> Saliency:
        # The graph begins at the layer, not at the images: nothing before it is stored or differentiated.
        with torch.enable_grad():
            return self.from_outputs(model, model(images.detach(), layers=self.needs(model)), target)

    def needs(self, model: Model) -> tuple[str, ...]:
        return (layer_of(model, self.layer),)

    def from_outputs(self, model: Model, outputs: Outputs, target: Labels) -> Saliency:
        """Leaves the graph of `outputs` for whoever made the forward.

        Raises:
            UsageError: the features carry no gradient, or the logits do not depend on them.
        """
        (layer,) = self.needs(model)
        features = features_of(outputs, layer)  # (n, c, u, v)
        check_target(outputs, target)
        if not features.requires_grad:
            raise UsageError(
                f"the features of {layer!r} carry no gradient: make the forward with gradients enabled"
            )
        score = outputs.class_score(target).sum()  # images do not meet, so each gradient is its image's own
        (slopes,) = torch.autograd.grad(score, features, retain_graph=True, allow_unused=True)
        if slopes is None:
            raise UsageError(
                f"the logits do not depend on {layer!r}: name a layer on the way to the class head"
            )
        weights = slopes.mean((2, 3))  # (n, c)
        return torch.einsum("nc,ncuv->nuv", weights, features.detach()).relu()
