"""Guided Grad-CAM: guided backpropagation to the pixels, where Grad-CAM looks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.explainers.guided_backprop import guided_slopes
from xaiaudit.explainers.on_image import OnImage
from xaiaudit.explainers.reading import layer_of
from xaiaudit.explainers.resize import resize
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class GuidedGradCAM(OnImage):
    """|guided gradient of the score to the pixel| times Grad-CAM, bilinear between its cells; unsigned.

    The absolute value is taken for the reason that `smoothgrad` gives.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, section 3.2.
    """

    layer: str | None = None  # of Grad-CAM; None: the model's own

    def explained(self, model: Model) -> str:
        layer_of(model, self.layer)  # refuses a model without one
        return "image"

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        return 2

    def attribute(
        self, model: Model, images: Images, target: Labels, valid: Valid, seeds: Sequence[int]
    ) -> Saliency:
        """Raises UsageError for a network whose non-linear layers are not ReLUs."""
        cam = GradCAM(layer=self.layer)
        with torch.enable_grad():
            pixels = images.detach().requires_grad_()
            outputs = model(pixels, layers=cam.needs(model))
            coarse = cam.from_outputs(model, outputs, target)
            slopes = guided_slopes(outputs.class_score(target).sum(), pixels)
        return torch.where(valid, slopes, 0).sum(1).abs() * resize(coarse, (images.shape[2], images.shape[3]))
