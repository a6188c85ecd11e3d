"""Random small changes of training images that leave the diagnosis as it was."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from xaiaudit.training.arrays import Batch
from xaiaudit.training.recipe import Recipe


def augment(
    images: Tensor, masks: Tensor | None, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Move each image by its own draw, and its mask with it; for its grey levels see `jitter`.

    It is zoomed, sheared (rows slide along themselves), rotated, flipped, shifted, about its middle. What comes in from
    outside is zero, like the padding. One resampling does all.

    Args:
        images: (n, 1, h, w) float in [0, 1].
        masks: (n, m, h, w) bool, or None.
        recipe: chance of either flip, largest rotation, shear, zoom and shifts.
        generator: on the CPU; draws are the same on every device.

    Returns:
        Images (bilinear) and masks (nearest pixel) of the same shapes.
    """
    matrices = _matrices(len(images), images.shape[2:], recipe, generator).to(images)
    grid = affine_grid(matrices, list(images.shape), align_corners=False)
    moved = grid_sample(images, grid, mode="bilinear", align_corners=False)
    if masks is None:
        return moved, None
    return moved, grid_sample(masks.to(images), grid, mode="nearest", align_corners=False) > 0.5


def augment_batch(batch: Batch, recipe: Recipe, generator: torch.Generator) -> Batch:
    """A batch with its masks and its real pixels; what comes in from outside is padding."""
    beside = [part for part in (batch.masks, batch.valid) if part is not None]
    jittered = jitter(batch.images, batch.valid, recipe, generator)
    images, moved = augment(jittered, torch.cat(beside, 1) if beside else None, recipe, generator)
    masks = None if moved is None or batch.masks is None else moved[:, :1]
    valid = None if moved is None or batch.valid is None else moved[:, -1:]
    return batch._replace(images=images, masks=masks, valid=valid)


def jitter(images: Tensor, valid: Tensor | None, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Brightness, then contrast of each image by its own draw, cut off at [0, 1]; padding stays as it is.

    Brightness multiplies by a factor in 1 -+ `recipe.brightness`; contrast stretches about the mean of the real pixels
    by one in 1 -+ `recipe.contrast`. Images (n, 1, h, w) float; `valid` likewise, bool, None: all pixels are real.
    """
    for change, about_mean in ((recipe.brightness, False), (recipe.contrast, True)):
        if not change:  # draws nothing, so that other augmentation stays as it was
            continue
        factor = 1 + (2 * torch.rand(len(images), 1, 1, 1, generator=generator) - 1).to(images) * change
        real = torch.ones_like(images) if valid is None else valid.to(images)
        # an image without a real pixel keeps its zeros
        mean = (images * real).sum((1, 2, 3), keepdim=True) / real.sum((1, 2, 3), keepdim=True).clamp(min=1)
        changed = (mean + factor * (images - mean) if about_mean else factor * images).clamp(0, 1)
        images = torch.where(real > 0, changed, images)
    return images


def _matrices(n: int, shape: torch.Size, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """(n, 2, 3) from output to input, in units of half an image, so that a turn must know the aspect."""
    rows, columns = shape
    uniform = torch.rand(3, n, generator=generator)
    flip = torch.where(uniform[0] < recipe.flip, -1.0, 1.0)
    angle = (2 * uniform[1] - 1) * math.radians(recipe.rotation)
    upside = torch.ones(n)
    if recipe.vertical_flip:  # else draws nothing, so that other augmentation stays as it was
        upside = torch.where(torch.rand(n, generator=generator) < recipe.vertical_flip, -1.0, 1.0)
    scale = 1 / (1 + _drawn(n, recipe.zoom, generator))
    slide = _drawn(n, math.radians(recipe.shear), generator).tan()
    matrices = torch.zeros(n, 2, 3)
    matrices[:, 0, 0] = flip * scale * angle.cos()
    matrices[:, 0, 1] = -flip * scale * (angle.sin() + slide * angle.cos()) * rows / columns
    matrices[:, 1, 0] = upside * scale * angle.sin() * columns / rows
    matrices[:, 1, 1] = upside * scale * (angle.cos() - slide * angle.sin())
    matrices[:, 1, 2] = (2 * uniform[2] - 1) * recipe.shift * 2  # the height is 2 in these units
    matrices[:, 0, 2] = _drawn(n, recipe.width_shift, generator) * 2
    return matrices


def _drawn(n: int, largest: float, generator: torch.Generator) -> Tensor:
    """(n,) uniform in -+ largest; nothing is drawn for 0, so that other augmentation stays as it was."""
    return (2 * torch.rand(n, generator=generator) - 1) * largest if largest else torch.zeros(n)
