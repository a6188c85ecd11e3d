"""The canvas that deleted pixels are replaced by, and that insertion starts from."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.definedness import alterable, real_pixels
from xaiaudit.tensors import Images, Valid

KINDS = ("blur", "mean", "zero")


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Images without their evidence. Padding stays as it is, and lends nothing to the tissue beside it.

    `blur` is the local mean echo, a Gaussian of standard deviation `sigma`; `mean` the image's own mean; `zero` black.
    In B-mode, black is no absence: it is anechoic, as a cyst is, so each pixel set to zero is evidence of a benign
    lesion. A constant draws the outline of what was deleted. `blur` does neither, but only where `sigma` is large
    enough to leave no lesion: on canvases with Petsiuk's 5 of 224 pixels the probabilities of a BUS model still
    differed between images by a standard deviation of 0.30, with 20 of 224 by 0.02 (docs/faithfulness.md).

    Source: Petsiuk et al. 2018, arXiv:1806.07421, section 4.2.
    """

    kind: str = "blur"  # of KINDS
    sigma: float = 20 / 224  # of the blur, as a share of the image's longer side

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"a canvas is one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0 < self.sigma < 1:
            raise UsageError(f"sigma must be a share of the image's side between 0 and 1, got {self.sigma:g}")

    def __call__(self, images: Images, valid: Valid | None = None) -> Images:
        """(n, c, h, w), in [0, 1], of the images' kind and device; equal to `images` where not valid."""
        real = real_pixels(images, valid)[:, None].to(images.device)
        weights = real.to(images)
        if self.kind == "zero":
            emptied = torch.zeros_like(images)
        elif self.kind == "mean":
            share = (images * weights).sum((2, 3), keepdim=True)
            emptied = (share / weights.sum((2, 3), keepdim=True)).expand_as(images)
        else:
            emptied = self._blurred(images * weights) / self._blurred(weights)
        return torch.where(alterable(images, valid), emptied, images)

    def _blurred(self, planes: Tensor) -> Tensor:
        """A Gaussian over the whole plane, along both axes, not normalised."""
        sigma = self.sigma * max(planes.shape[2:])
        rows, columns = (_gaussian(side, sigma).to(planes) for side in planes.shape[2:])
        return rows @ planes @ columns

    def describe(self) -> str:
        """In words, for tables."""
        return {
            "blur": f"blurred, standard deviation {self.sigma:.3g} of the longer side",
            "mean": "the mean of the image's real pixels",
            "zero": "black",
        }[self.kind]


def _gaussian(side: int, sigma: float) -> Tensor:
    place = torch.arange(side, dtype=torch.float64)
    return torch.exp(-((place[:, None] - place) ** 2) / (2 * sigma**2))
