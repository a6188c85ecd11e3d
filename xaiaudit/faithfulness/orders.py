"""The order in which a map gives up the pixels of its image, and maps that know nothing, to compare with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from xaiaudit.faithfulness.definedness import on_pixels, real_pixels
from xaiaudit.seeds import Draws, default_seeds, image_seed
from xaiaudit.tensors import Images, Saliency, Valid


def stream(images: Images, seeds: Sequence[int] | None, name: str) -> Draws:
    """The draws of one purpose: per image from its seed, else from its pixels, and apart from those of others."""
    own = default_seeds(images) if seeds is None else seeds
    return Draws([image_seed(f"{seed}/{name}", 0) for seed in own], 0)


def random_maps(images: Images, grid: tuple[int, int], seeds: Sequence[int] | None = None) -> Saliency:
    """Maps on a grid whose cells are uniform in [0, 1): the control of an explainer with that grid, (n, *grid).

    A random order of single pixels would be no fair control of a coarse map: it spoils the texture everywhere at
    once, as noise does, while a coarse map deletes connected regions. These differ from a coarse map in place alone.
    """
    like = torch.empty(len(images), *grid)
    return stream(images, seeds, "random map").uniform(like)


def removal_order(
    maps: Saliency, images: Images, valid: Valid | None = None, seeds: Sequence[int] | None = None
) -> Tensor:
    """Rank of every pixel, (n, h, w) int64 on the CPU: 0 for the most relevant; padding has no rank, -1.

    Maps are brought to the pixels bilinearly. Tied pixels, as where a ReLU left nothing, go in the order of the
    image's random map on the same grid, and what is tied there too (beyond the outer cells) at random: no corner of
    the image comes first, and a map that is one constant is its own control.
    """
    n, _, h, w = images.shape
    grid = (maps.shape[1], maps.shape[2])
    relevance = on_pixels(maps, (h, w)).numpy().reshape(n, h * w)
    second = on_pixels(random_maps(images, grid, seeds), (h, w)).numpy().reshape(n, h * w)
    last = stream(images, seeds, "tied pixels").uniform(torch.empty(n, h * w)).numpy()
    real = real_pixels(images, valid).numpy().reshape(n, h * w)
    ranks = np.full((n, h * w), -1, np.int64)
    for row in range(n):
        pixels = np.flatnonzero(real[row])
        order = np.lexsort((last[row, pixels], -second[row, pixels], -relevance[row, pixels]))
        ranks[row, pixels[order]] = np.arange(len(pixels))
    return torch.from_numpy(ranks.reshape(n, h, w))
