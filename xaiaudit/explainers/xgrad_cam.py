"""XGrad-CAM: the feature maps weighted by the gradient where they are active."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiaudit.explainers.layer_gradients import LayerGradients, weighted


@dataclass(frozen=True, kw_only=True)
class XGradCAM(LayerGradients):
    """ReLU(sum_k w_k A_k), w_k = sum of A_k g_k over the cells / sum of A_k, with g_k = d score / d A_k.

    A feature map that sums to zero weighs nothing.

    Source: Fu et al. 2020, arXiv:2008.02312.
    """

    layer: str | None = None  # None: the model's own

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        total = features.sum((2, 3))
        share = (features * slopes).sum((2, 3)) / total
        return weighted(torch.where(total == 0, 0, share), features)
