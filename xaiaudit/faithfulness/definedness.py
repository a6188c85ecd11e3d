"""Which maps can be judged at all, and bringing them to the pixels of the image. As the metrics have it."""

import torch
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.grids import upsample
from xaiaudit.tensors import Flags, Images, Saliency, Valid
from xaiaudit.types import Cells


def judgeable(maps: Saliency, *, signed: bool, within: Cells | None = None) -> Flags:
    """(n,) the map has an extreme, `metrics.extremes.defined`: one that is zero or NaN explains nothing.

    `within`: (n, u, v) cells that the map says something of; None: all. A map of pixels that is the same on every real
    pixel is no ranking, whatever stands in padding.
    """
    return torch.from_numpy(defined(maps.detach().double().cpu().numpy(), signed=signed, within=within))


def on_pixels(maps: Saliency, size: tuple[int, int]) -> Tensor:
    """The maps on the image's pixels, (n, *size), float64 on the CPU: bilinear, `metrics.grids.upsample`.

    A map with a value that is not finite is NaN throughout.
    """
    cells = maps.detach().double().cpu()
    finite = cells.isfinite().flatten(1).all(1)
    return torch.from_numpy(upsample(torch.where(finite[:, None, None], cells, torch.nan).numpy(), size))


def real_pixels(images: Images, valid: Valid | None) -> Tensor:
    """(n, h, w) bool on the CPU, of the image itself, the first channel; without `valid` all are.

    Raises:
        UsageError: `valid` is not of the images' size.
    """
    n, c, h, w = images.shape
    if valid is None:
        return torch.ones(n, h, w, dtype=torch.bool)
    if valid.shape not in ((n, 1, h, w), (n, c, h, w)):
        raise UsageError(f"valid must be ({n}, 1, {h}, {w}) as the images are, got {tuple(valid.shape)}")
    return valid[:, 0].cpu()


def alterable(images: Images, valid: Valid | None) -> Tensor:
    """(n, 1 or c, h, w) bool on the images' device: what a test may alter. An outline beside the image stays.

    Raises:
        UsageError: as `real_pixels`.
    """
    real = real_pixels(images, valid)
    return (real[:, None] if valid is None else valid).to(images.device)
