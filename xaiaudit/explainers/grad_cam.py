"""Grad-CAM: the feature maps weighted by how much the score of the class rises with each, on average."""

from dataclasses import dataclass

from torch import Tensor

from xaiaudit.explainers.layer_gradients import LayerGradients, weighted_by_mean


@dataclass(frozen=True, kw_only=True)
class GradCAM(LayerGradients):
    """ReLU(sum_k a_k A_k), a_k the mean over the cells of d score / d A_k; score is `Outputs.class_score`.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """

    layer: str | None = None  # None: the model's own

    def combine(self, features: Tensor, slopes: Tensor) -> Tensor:
        return weighted_by_mean(features, slopes)
