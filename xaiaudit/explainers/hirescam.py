"""HiResCAM: each cell of a feature map weighted by its own gradient."""

from dataclasses import dataclass

from torch import Tensor

from xaiaudit.explainers.layer_gradients import LayerGradients


@dataclass(frozen=True, kw_only=True)
class HiResCAM(LayerGradients):
    """ReLU(sum_k g_k A_k), cell by cell, with g_k = d score / d A_k.

    Where one linear layer reads the flattened features, the sum over the cells before the ReLU is the score but for
    its bias; where it reads their means, the map is Grad-CAM's.

    Source: Draelos & Carin 2020, arXiv:2011.08891; its positive part, as for Grad-CAM.
    """

    layer: str | None = None  # None: the model's own

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        return (slopes * features).sum(1).relu()
