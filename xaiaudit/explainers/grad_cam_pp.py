"""Grad-CAM++: rising cells count, each the more the less the others of its feature map explain."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiaudit.explainers.layer_gradients import LayerGradients, weighted


@dataclass(frozen=True, kw_only=True)
class GradCAMPlusPlus(LayerGradients):
    """ReLU(sum_k w_k A_k), w_k the sum over the cells of alpha ReLU(g), with g = d score / d A_k.

    alpha = g^2 / (2 g^2 + g^3 sum A_k), 0 where g is 0; written as 1 / (2 + g sum A_k), whose parts do not vanish in
    float32. The paper differentiates exp(score); that factor, one for the whole map, is left out, as it overflows.

    Source: Chattopadhay et al. 2018, arXiv:1710.11063, equations 7 and 19.
    """

    layer: str | None = None  # None: the model's own

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        rising = slopes.relu()
        alpha = 1 / (2 + slopes * features.sum((2, 3), keepdim=True))
        return weighted(torch.where(rising > 0, alpha * rising, 0).sum((2, 3)), features)
