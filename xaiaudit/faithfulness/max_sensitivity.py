"""Max-sensitivity: how far the map moves when the image moves a little, at most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.definedness import alterable, judgeable
from xaiaudit.faithfulness.orders import stream
from xaiaudit.tensors import Flags, Images, Labels, Model, Saliency, Valid
from xaiaudit.types import Cells

Explain = Callable[[Model, Images, Labels], Saliency]


class Sensitivity(NamedTuple):
    """Of n images, on the CPU."""

    value: Tensor  # (n,) float64, 0 for a map that stays; NaN where a map was undefined, before or after
    vanished: Flags  # (n,) defined before, and undefined after one of the perturbations


@dataclass(frozen=True, kw_only=True)
class MaxSensitivity:
    """max |map(x + d) - map(x)|_2 / |map(x)|_2 over `samples` uniform draws of d with |d|_inf <= radius.

    A lower bound of the maximum over the ball, which more samples raise. x + d stays in [0, 1], padding stays as it
    is. The class explained stays that of the clean image. Divided by the clean map's norm, as in Captum and the
    authors' code: the paper's definition is not, and grows with the map's scale.

    Source: Yeh et al. 2019, arXiv:1901.09392, section 4, SENS_MAX.
    """

    radius: float = 0.02  # [0, 1] intensities; 5 grey levels, Captum's default
    samples: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.radius <= 1:
            raise UsageError(f"radius must be in (0, 1], in [0, 1] intensities, got {self.radius:g}")
        if self.samples < 1:
            raise UsageError(f"samples must be a whole number of at least 1, got {self.samples}")

    def __call__(
        self,
        explain: Explain,
        model: Model,
        images: Images,
        target: Labels,
        *,
        signed: bool,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
        within: Cells | None = None,
    ) -> Sensitivity:
        """Explains the batch `samples + 1` times.

        Args:
            seeds: of each image's draws; None: from its pixels.
            within: cells that the maps say something of; see `definedness.judgeable`.
        """
        clean = explain(model, images, target)
        before = judgeable(clean, signed=signed, within=within)
        own = alterable(images, valid).to(images)
        draws = stream(images, seeds, "max-sensitivity")
        largest = torch.zeros(len(images), dtype=torch.float64)
        after = torch.ones_like(before)
        for _ in range(self.samples):
            change = self.radius * (2 * draws.uniform(images) - 1) * own
            moved = explain(model, (images + change).clamp(0, 1), target)
            after &= judgeable(moved, signed=signed, within=within)
            largest = torch.maximum(largest, _norm(moved - clean))
        value = largest / _norm(clean)
        return Sensitivity(torch.where(before & after, value, torch.nan), before & ~after)


def _norm(maps: Saliency) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(maps.detach().double().flatten(1), dim=1)
    return norms.cpu()
