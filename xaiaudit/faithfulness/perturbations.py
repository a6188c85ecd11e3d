"""What infidelity perturbs an image by: squares that are taken out, or noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.canvas import Canvas
from xaiaudit.faithfulness.definedness import alterable, real_pixels
from xaiaudit.faithfulness.orders import stream
from xaiaudit.tensors import Images, Valid

Sample = tuple[Tensor, Tensor]  # I as the map is weighted with it (n, h, w), and x - I (n, c, h, w)


@runtime_checkable
class Perturbation(Protocol):
    """A frozen dataclass, callable: `samples` perturbations of every image, drawn by the image's seed."""

    def __call__(
        self, images: Images, samples: int, valid: Valid | None = None, seeds: Sequence[int] | None = None
    ) -> Iterator[Sample]: ...


@dataclass(frozen=True, kw_only=True)
class Squares:
    """One square of an image becomes canvas; the map is summed over it.

    So a map is read as contributions, as integrated gradients, occlusion and CAM mean it: what the square holds is
    what the score should fall by. Sides are 1 to 10 of 28 parts of the image's longer side, as the paper has them on
    28 x 28 pixels, each size as likely; the centre is a real pixel, each as likely. Padding in a square stays.

    Source: Yeh et al. 2019, arXiv:1901.09392, section 3 ("square removal"), I binary as in the authors' code.
    """

    canvas: Canvas = field(default_factory=Canvas)

    def __call__(
        self, images: Images, samples: int, valid: Valid | None = None, seeds: Sequence[int] | None = None
    ) -> Iterator[Sample]:
        n, _, h, w = images.shape
        real = real_pixels(images, valid)
        emptied = self.canvas(images, valid)
        draws = stream(images, seeds, "squares")
        rows, columns = torch.arange(h)[:, None], torch.arange(w)
        for _ in range(samples):
            side = (draws.integers(10, 1)[:, 0] + 1) * max(h, w) / 28
            centre = _real_place(real, draws.uniform(torch.empty(n)))
            half = (side / 2)[:, None, None]
            down, right = rows - (centre // w)[:, None, None], columns - (centre % w)[:, None, None]
            inside = (down >= -half) & (down < half) & (right >= -half) & (right < half)
            inside = (inside & real).to(images.device)
            yield inside, torch.where(inside[:, None], emptied, images)


def _real_place(real: Tensor, uniform: Tensor) -> Tensor:
    """(n,) index of the real pixel that a number in [0, 1) points at; of an image without any, 0."""
    flat = real.flatten(1).cumsum(1)
    wanted = (uniform * flat[:, -1]).long() + 1
    return torch.searchsorted(flat, wanted[:, None])[:, 0].clamp(max=flat.shape[1] - 1)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Gaussian noise on every real pixel; the map is weighted with the noise itself.

    So a map is read as a gradient: what a pixel changes times what it weighs. Not clipped to [0, 1], else a bright
    pixel would not be noise about itself.

    Source: Yeh et al. 2019, arXiv:1901.09392, section 3 ("noisy baseline", here about the image itself).
    """

    sigma: float = 0.02  # [0, 1] intensities; 5 grey levels

    def __post_init__(self) -> None:
        if not 0 < self.sigma < 1:
            raise UsageError(f"sigma must lie between 0 and 1, in [0, 1] intensities, got {self.sigma:g}")

    def __call__(
        self, images: Images, samples: int, valid: Valid | None = None, seeds: Sequence[int] | None = None
    ) -> Iterator[Sample]:
        real, own = real_pixels(images, valid).to(images), alterable(images, valid)
        draws = stream(images, seeds, "noise")
        for _ in range(samples):
            noise = self.sigma * draws.normal(real) * real
            yield noise, images - torch.where(own, noise[:, None], 0)
