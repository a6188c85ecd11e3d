"""Integrated gradients: what each pixel adds to the score on the way from a plain image to this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.explainers.checks import at_least, in_unit_range
from xaiaudit.explainers.on_image import AT_ONCE, OnImage, score_of
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(OnImage):
    """(x - b) times the mean gradient of the score on the straight line from b to x, by Gauss-Legendre; signed.

    Over an image the map sums to score(x) - score(b), but for the error of so many steps. Where x = b it is 0: with
    the black baseline of the paper, the darker a pixel is, the less it can be given.

    Source: Sundararajan et al. 2017, arXiv:1703.01365; computed by Captum.
    """

    steps: int = 50  # gradients an image
    baseline: float = 0.0  # grey level of b, in [0, 1]; b is x itself where the image is padded

    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("steps", self.steps, 1)
        in_unit_range("baseline", self.baseline)

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        return 1 + self.steps

    def attribute(
        self, model: Model, images: Images, target: Labels, valid: Valid, seeds: Sequence[int]
    ) -> Saliency:
        from captum.attr import IntegratedGradients as Captum  # takes a second, and brings in matplotlib

        found = Captum(score_of(model)).attribute(
            images,
            baselines=torch.where(valid, self.baseline, images),
            additional_forward_args=(target,),
            n_steps=self.steps,
            internal_batch_size=max(AT_ONCE, len(images)),
        )
        maps: Saliency = found.sum(1)
        return maps
