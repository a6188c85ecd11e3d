"""Score-CAM: the feature maps weighted by what the model says of the image seen through each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xaiaudit.explainers.layer_gradients import weighted
from xaiaudit.explainers.on_image import AT_ONCE, score_of
from xaiaudit.explainers.reading import black, check_target, features_of, layer_of
from xaiaudit.explainers.resize import resize
from xaiaudit.tensors import Images, Labels, Model, Saliency, Scores, Valid


@dataclass(frozen=True, kw_only=True)
class ScoreCAM:
    """ReLU(sum_k w_k A_k), w the softmax over k of the score of x times A_k, upsampled and scaled to [0, 1].

    The score is `Outputs.class_score`, before any softmax over classes. The paper subtracts the score of a baseline
    image, one for all k, which the softmax over k takes out again. A feature map that is flat has no mask: it weighs
    nothing. The grey image is masked, not the normalised one, so that what a mask hides is black.

    It needs no gradient, but a forward for each feature map of each image: 1280 for a MobileNetV2.

    Source: Wang et al. 2020, arXiv:1910.01279, algorithm 1.
    """

    layer: str | None = None  # None: the model's own

    signed: ClassVar[bool] = False

    def explained(self, model: Model) -> str:
        return layer_of(model, self.layer)

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        """Shows the network one black image, to see how many feature maps the layer has."""
        layer = layer_of(model, self.layer)
        with torch.no_grad():
            return 1 + features_of(model(black(model, size), layers=(layer,)), layer).shape[1]

    def __call__(
        self,
        model: Model,
        images: Images,
        target: Labels,
        *,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Saliency:
        layer = layer_of(model, self.layer)
        if valid is None:
            valid = torch.ones_like(images[:, :1], dtype=torch.bool)
        with torch.no_grad():
            outputs = model(images, layers=(layer,))
            check_target(outputs, target)
            features = features_of(outputs, layer)  # (n, c, u, v)
            each = zip(images, valid, features, target, strict=True)
            scores = torch.stack([_scores(model, *own) for own in each])
            weights = torch.where(scores.isinf().all(1, keepdim=True), 0, scores.softmax(1))
            return weighted(weights, features)


def _scores(model: Model, image: Tensor, valid: Tensor, features: Tensor, target: Tensor) -> Scores:
    """Of one image (c, h, w) seen through each of its feature maps (k, u, v), (k,); -inf through a flat one.

    What is not valid, (1 or c, h, w), stays: an outline that is given beside the image is not seen through a map.
    """
    parts = []
    for some in torch.split(features, AT_ONCE):
        masks = resize(some, (image.shape[1], image.shape[2]))  # (m, h, w)
        low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
        flat = high == low
        masks = (masks - low) / torch.where(flat, 1, high - low)
        scores = score_of(model)(torch.where(valid, image * masks[:, None], image), target.expand(len(some)))
        parts.append(torch.where(flat[:, 0, 0], -torch.inf, scores))
    return torch.cat(parts)
