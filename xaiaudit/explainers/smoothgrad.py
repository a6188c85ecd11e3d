"""SmoothGrad: the gradient of the score to the pixels, averaged over noisy copies of the image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from xaiaudit.explainers.checks import at_least, in_unit_range
from xaiaudit.explainers.on_image import OnImage, slopes_of
from xaiaudit.seeds import Draws
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class SmoothGrad(OnImage):
    """|mean over the samples of d score / d x at x + noise|, so unsigned.

    The sign of a gradient says whether the pixel should be brighter or darker, not whether it speaks for the class: a
    dark lesion is evidence too. The absolute value comes after the mean, so that what differs from sample to sample
    cancels. Noise is normal, its deviation a share of the image's own range of intensities, and noisy images may leave
    [0, 1], as in the paper. Draws are each image's own: Captum's NoiseTunnel draws for the batch, so that a map would
    depend on its neighbours.

    Source: Smilkov et al. 2017, arXiv:1706.03825.
    """

    samples: int = 25  # gradients an image
    noise: float = 0.1  # standard deviation, as a share of the largest intensity less the smallest
    seed: int = 0  # of the draws, with those of the images

    def __post_init__(self) -> None:
        at_least("samples", self.samples, 1)
        at_least("seed", self.seed, 0)
        in_unit_range("noise", self.noise)

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        return 1 + self.samples

    def attribute(
        self, model: Model, images: Images, target: Labels, valid: Valid, seeds: Sequence[int]
    ) -> Saliency:
        deviation = self.noise * _spread(images, valid) * valid  # (n, 1, h, w), 0 on padding
        draws = Draws(seeds, self.seed)
        total = torch.zeros_like(images[:, 0])
        for _ in range(self.samples):
            total += slopes_of(model, images + deviation * draws.normal(images), target, valid)
        return (total / self.samples).abs()


def _spread(images: Images, valid: Valid) -> torch.Tensor:
    """Largest less smallest intensity of each image's real pixels, (n, 1, 1, 1)."""
    highest = torch.where(valid, images, -torch.inf).amax((1, 2, 3), keepdim=True)
    lowest = torch.where(valid, images, torch.inf).amin((1, 2, 3), keepdim=True)
    return (highest - lowest).clamp(min=0)
