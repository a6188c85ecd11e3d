"""Infidelity: does the map foretell by how much the score falls when the image is perturbed?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.definedness import judgeable, on_pixels
from xaiaudit.faithfulness.perturbations import Perturbation, Squares
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid
from xaiaudit.types import Cells


class Responses(NamedTuple):
    """What the model answered to perturbed images; every explainer can be judged by it."""

    perturbations: Tensor  # (samples, n, h, w), I; on the images' device
    falls: Tensor  # (n, samples) f(x) - f(x - I), float64 on the CPU


class Infidelity(NamedTuple):
    """Of n images, float64 on the CPU; all NaN where the map is undefined."""

    raw: Tensor  # (n,) E (I . map - fall)^2, squared score; changes with the square of the map's scale
    scaled: Tensor  # (n,) the same with the map times `scale`, the smallest that any factor reaches
    scale: Tensor  # (n,) E (I . map) fall / E (I . map)^2; below 0 the map has the wrong sign
    unexplained: Tensor  # (n,) scaled / E fall^2, in [0, 1]: 0 foretells every fall, 1 none


@dataclass(frozen=True, kw_only=True)
class InfidelityTest:
    """Asks the model once for all maps; the score is `Outputs.class_score`, a logit.

    Source: Yeh et al. 2019, arXiv:1901.09392, definition 2.1; the optimal scale as in the authors' code.
    """

    perturbation: Perturbation = field(default_factory=Squares)
    samples: int = 64

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise UsageError(
                f"infidelity needs at least 2 samples, got {self.samples}: one is always explained"
            )

    def __call__(
        self,
        model: Model,
        images: Images,
        target: Labels,
        *,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Responses:
        """`samples + 1` forward passes of the whole batch; holds a plane an image and sample."""
        clean = _score(model, images, target)
        perturbations, falls = [], []
        for weights, changed in self.perturbation(images, self.samples, valid, seeds):
            perturbations.append(weights)
            falls.append(clean - _score(model, changed, target))
        return Responses(torch.stack(perturbations), torch.stack(falls, 1))


def infidelity(
    maps: Saliency, responses: Responses, *, signed: bool, within: Cells | None = None
) -> Infidelity:
    """How well maps (n, u, v) foretell the responses.

    A coarse map is read on the pixels, bilinearly and otherwise as it is: a map of larger values or finer cells has
    a larger `raw` for that alone, so that `raw` compares maps of one explainer, and `scaled` or `unexplained`
    explainers. NaN also in `scale` and what needs it where the map is zero on every perturbation, and in
    `unexplained` where the score never moved. `within`: see `definedness.judgeable`.
    """
    h, w = responses.perturbations.shape[2:]
    pixels = on_pixels(maps, (h, w)).flatten(1)  # (n, hw), float64
    foretold = torch.stack(
        [(sample.flatten(1).cpu() * pixels).sum(1) for sample in responses.perturbations], 1
    )
    foretold = torch.where(judgeable(maps, signed=signed, within=within)[:, None], foretold, torch.nan)
    falls = responses.falls
    scale = (foretold * falls).mean(1) / (foretold**2).mean(1)
    scaled = ((scale[:, None] * foretold - falls) ** 2).mean(1)
    return Infidelity(
        raw=((foretold - falls) ** 2).mean(1),
        scaled=scaled,
        scale=scale,
        unexplained=scaled / (falls**2).mean(1),
    )


def _score(model: Model, images: Images, target: Labels) -> Tensor:
    with torch.inference_mode():
        return model(images).class_score(target).double().cpu()
