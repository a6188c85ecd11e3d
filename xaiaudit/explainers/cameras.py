"""CAMERAS: features and gradients of the image at several sizes, brought together at the image's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from xaiaudit.errors import UsageError
from xaiaudit.explainers.checks import at_least
from xaiaudit.explainers.layer_gradients import slopes_at
from xaiaudit.explainers.on_image import AT_ONCE
from xaiaudit.explainers.reading import black, check_target, features_of, layer_of
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid

GROWTH = (
    100 / 224
)  # of the image's own size, from one size to the next: 224, 324, ... 924 in the authors' code
CHANNELS = 32  # feature maps at the image's size at once, so that memory stays bounded


@dataclass(frozen=True, kw_only=True)
class CAMERAS:
    """ReLU(sum_k mean_s U(A_k,s) mean_s U(g_k,s)) cell by cell, on the image's grid.

    A_k,s are the features of the image enlarged to size s, g_k,s = d score / d A_k,s, and U interpolates bilinearly to
    the image's size. Sizes follow the authors' code, as does the bicubic enlarging; what that makes of intensities
    outside [0, 1] is cut off here, and the map is not normalised. Padding has relevance as in other maps of a layer.

    Source: Jalwana et al. 2021, arXiv:2106.10649, and github.com/VisMIL/CAMERAS.
    """

    layer: str | None = None  # None: the model's own
    scales: int = 8  # sizes, the image's own the first

    signed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        at_least("scales", self.scales, 1)

    def explained(self, model: Model) -> str:
        """Raises UsageError where the network takes images of its own size alone."""
        layer = layer_of(model, self.layer)
        preprocessing = getattr(model, "preprocessing", None)
        if preprocessing is not None and self.scales > 1:
            own = preprocessing.size
            size = self._sizes((own, own))[1]
            try:
                with torch.no_grad():
                    model(black(model, size))
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, AssertionError, ValueError) as error:
                raise UsageError(
                    f"cameras shows the network images of several sizes, and this one takes none of {size[0]} × "
                    f"{size[1]} pixels ({str(error).partition(chr(10))[0]}): use grad-cam"
                ) from error
        return layer

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        """Of images that grow from size to size."""
        return 1 + self.scales

    def __call__(
        self,
        model: Model,
        images: Images,
        target: Labels,
        *,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Saliency:
        layer, size = layer_of(model, self.layer), (images.shape[2], images.shape[3])
        with torch.no_grad():
            check_target(model(images), target)
        seen = []
        for step, enlarged in enumerate(self._sizes(size)):
            at_once = max(
                1, int(AT_ONCE / (1 + GROWTH * step) ** 2)
            )  # as many pixels as in AT_ONCE of its own size
            seen.append(_seen(model, _resized(images.detach(), enlarged), target, layer, at_once=at_once))
        features, slopes = zip(*seen, strict=True)
        total = torch.zeros_like(images[:, 0])
        for some, their_slopes in zip(_means(features, size), _means(slopes, size), strict=True):
            total += (some * their_slopes).sum(1)
        return total.relu()

    def _sizes(self, own: tuple[int, int]) -> list[tuple[int, int]]:
        factors = [1 + GROWTH * step for step in range(self.scales)]
        return [(round(own[0] * factor), round(own[1] * factor)) for factor in factors]


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    if size == tuple(images.shape[2:]):
        return images
    return interpolate(images, size=size, mode="bicubic", align_corners=False).clamp(0, 1)


def _seen(model: Model, images: Images, target: Labels, layer: str, *, at_once: int) -> tuple[Tensor, Tensor]:
    """Features of the layer and the gradient of the score to them, (n, c, u, v) twice."""
    found = []
    for some, classes in zip(torch.split(images, at_once), torch.split(target, at_once), strict=True):
        with torch.enable_grad():
            outputs = model(some, layers=(layer,))
            features = features_of(outputs, layer)
            slopes = slopes_at(layer, features, outputs.class_score(classes))
        found.append((features.detach(), slopes))
    features, slopes = (torch.cat(parts) for parts in zip(*found, strict=True))
    return features, slopes


def _means(kinds: Sequence[Tensor], size: tuple[int, int]) -> Iterator[Tensor]:
    """The mean over the sizes of what was seen, (n, c, u, v) each, on a grid of `size`, some channels at a time."""
    for parts in zip(*(torch.split(kind, CHANNELS, dim=1) for kind in kinds), strict=True):
        total = torch.zeros(())
        for part in parts:  # one at a time: each is as fine as the image
            total = total.to(part) + interpolate(part, size=size, mode="bilinear", align_corners=False)
        yield total / len(parts)
