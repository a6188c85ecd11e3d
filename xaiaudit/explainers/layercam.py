"""LayerCAM: each cell of a feature map weighted by its own gradient, where the score rises with it."""

from dataclasses import dataclass

from torch import Tensor

from xaiaudit.explainers.layer_gradients import LayerGradients


@dataclass(frozen=True, kw_only=True)
class LayerCAM(LayerGradients):
    """ReLU(sum_k ReLU(g_k) A_k), cell by cell, with g_k = d score / d A_k; meant for shallow layers too.

    Source: Jiang et al. 2021, IEEE TIP 30, doi:10.1109/TIP.2021.3089943.
    """

    layer: str | None = None  # None: the model's own

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        return (slopes.relu() * features).sum(1).relu()
