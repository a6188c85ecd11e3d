"""What can be done to a saliency map, as numbers to raise: one an image, differentiable, of its positive part."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from xaiaudit.tensors import Saliency, Scores

Corner = Literal["farthest", "upper-left", "upper-right", "lower-left", "lower-right"]
CORNERS: dict[str, tuple[float, float]] = {  # row and column, as shares of the image
    "upper-left": (0.0, 0.0),
    "upper-right": (0.0, 1.0),
    "lower-left": (1.0, 0.0),
    "lower-right": (1.0, 1.0),
}
TOP_SHARE = 0.05  # of the cells, where no outline says how many
PUSH = 0.05  # of the image's side: how far behind the clean mass centre its distance is measured from
BLOB = 1 / 6  # of the image's side: how far the target lies from both edges of its corner, and its width


def shares(maps: Saliency) -> Saliency:
    """max(S, 0) over its sum, (n, u, v); zero throughout a map without a positive value."""
    masses = maps.relu()
    return masses / masses.sum((1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)


def mass_centre(maps: Saliency) -> Tensor:
    """(n, 2) row and column of the mean position of the positive mass, as shares of the image's sides."""
    masses = shares(maps)
    rows, columns = (_cells(size, maps) for size in maps.shape[1:])
    return torch.stack((masses.sum(2) @ rows, masses.sum(1) @ columns), 1)


def displacement(maps: Saliency, before: Tensor, way: Tensor) -> Scores:
    """How far the mass centre is from a point a little behind the clean one, `before`, (n, 2), in image sides.

    The distance from the clean centre itself has no gradient at the start. From a point behind it on the chosen
    `way`, (n, 2) of length 1, it has there one of length 1 along that way; farther on the map may leave to any side.

    Source: Ghorbani et al. 2019, arXiv:1710.10547, the mass-centre attack.
    """
    moved: Tensor = (mass_centre(maps) - before + PUSH * way).norm(dim=1)
    return moved


def top_cells(before: Saliency, outlines: Tensor | None) -> Tensor:
    """(n, u, v) how much of each cell is to lose its mass, in [0, 1].

    Where an outline is known, (n, 1, h, w) bool, the share of the cell that it covers; else the cells of the clean
    map with the largest values, 5 % of them and at least one.
    """
    cells = before[0].numel() if len(before) else 1
    k = max(1, round(TOP_SHARE * cells))
    flat = before.flatten(1)
    top = torch.zeros_like(flat).scatter(1, flat.topk(min(k, flat.shape[1]), 1).indices, 1).view_as(before)
    if outlines is None:
        return top
    covered = adaptive_avg_pool2d(outlines.to(before), (before.shape[1], before.shape[2]))[:, 0]
    return torch.where(outlines.flatten(1).any(1)[:, None, None], covered, top)


def lost_mass(maps: Saliency, cells: Tensor) -> Scores:
    """Minus the share of the positive mass in `cells`, (n, u, v) weights, in [-1, 0].

    Source: Ghorbani et al. 2019, arXiv:1710.10547, the top-k attack.
    """
    return -(shares(maps) * cells).sum((1, 2))


def blob(before: Saliency, corner: Corner) -> Saliency:
    """(n, u, v), summing to 1: a Gaussian near a corner; "farthest": the one farthest from the clean mass centre."""
    if corner == "farthest":
        corners = (mass_centre(before) < 0.5).to(before)  # (n, 2): on each axis the end that is farther
    else:
        corners = torch.tensor(CORNERS[corner]).to(before).expand(len(before), 2)
    places = BLOB + (1 - 2 * BLOB) * corners
    rows, columns = (
        torch.exp(-((_cells(size, before) - place[:, None]) ** 2) / (2 * BLOB**2))
        for size, place in zip(before.shape[1:], places.unbind(1), strict=True)
    )
    return shares(rows[:, :, None] * columns[:, None, :])


def likeness(maps: Saliency, target: Saliency) -> Scores:
    """Minus the squared distance of two maps' shares, summed over the cells: 0 where they are equal.

    Source: Dombrowski et al. 2019, arXiv:1906.07983, the first term of their loss; instead of their second, which
    holds the outputs where they were, the search keeps the decision.
    """
    return -((shares(maps) - target) ** 2).sum((1, 2))


def _cells(count: int, like: Tensor) -> Tensor:
    """Centres of `count` cells that cover a side of length 1."""
    return (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) / count
