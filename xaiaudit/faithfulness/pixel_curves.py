"""Deletion and insertion: how the class's probability falls or rises with the pixels that a map calls relevant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.canvas import Canvas
from xaiaudit.faithfulness.definedness import judgeable, real_pixels
from xaiaudit.faithfulness.orders import removal_order
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid
from xaiaudit.types import Cells

WAYS = ("deletion", "insertion")


class Curve(NamedTuple):
    """Of n images; float64 on the CPU. NaN where the map is undefined or the image has no real pixel."""

    shares: Tensor  # (n, steps + 1) of the real pixels changed so far, 0 to 1
    probability: Tensor  # (n, steps + 1) of the class `target`, softmax of the logits
    area: Tensor  # (n,) under the curve, in [0, 1], by the trapezoidal rule


@dataclass(frozen=True, kw_only=True)
class PixelCurve:
    """Deletion: pixels become canvas; insertion: the canvas becomes the image. The most relevant pixels go first.

    A small area under deletion and a large one under insertion speak for the map, against the area of random maps
    (`orders.random_maps`). 28 steps are 1792 of 224 x 224 pixels each, as in the paper's evaluation of batches.
    Values of a signed map go from the highest to the lowest.

    Source: Petsiuk et al. 2018, arXiv:1806.07421, section 4.2 and algorithm 1.
    """

    way: str  # of WAYS
    canvas: Canvas = field(default_factory=Canvas)
    steps: int = 28  # equal shares of the real pixels

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise UsageError(f"a pixel curve is a deletion or an insertion, got {self.way!r}")
        if self.steps < 1:
            raise UsageError(f"steps must be a whole number of at least 1, got {self.steps}")

    def __call__(
        self,
        model: Model,
        images: Images,
        target: Labels,
        maps: Saliency,
        *,
        signed: bool,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
        within: Cells | None = None,
    ) -> Curve:
        """`steps + 1` forward passes of the whole batch.

        Args:
            maps: (n, u, v), raw, each of its image's class `target`.
            signed: negative values of the maps carry meaning.
            valid: real pixels; the others are neither changed nor counted.
            seeds: of the order of tied pixels, one an image; None: from its own pixels.
            within: cells that the maps say something of; see `definedness.judgeable`.
        """
        ends = [images, self.canvas(images, valid)]
        before, after = ends if self.way == "deletion" else ends[::-1]
        rank = removal_order(maps, images, valid, seeds).to(images.device)[:, None]  # (n, 1, h, w)
        real = real_pixels(images, valid).flatten(1).sum(1)
        counts = torch.arange(self.steps + 1) * real[:, None] // self.steps  # (n, steps + 1)
        points = []
        for step in range(self.steps + 1):
            count = counts[:, step].to(images.device)[:, None, None, None]
            points.append(
                _probability(model, torch.where((rank >= 0) & (rank < count), after, before), target)
            )
        known = (judgeable(maps, signed=signed, within=within) & (real > 0))[:, None]
        probability = torch.where(known, torch.stack(points, 1), torch.nan)
        shares = torch.where(known, counts / real[:, None].double(), torch.nan)
        return Curve(shares, probability, torch.trapezoid(probability, shares, dim=1))


def _probability(model: Model, images: Images, target: Labels) -> Tensor:
    with torch.inference_mode():
        logits = model(images).logits.double()
    return logits.softmax(1).gather(1, target[:, None])[:, 0].cpu()
