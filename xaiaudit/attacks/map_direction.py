"""Which way to move a map's mass centre: a distance has no gradient at its start, so a direction is chosen first."""

from math import tau

import torch
from torch import Tensor

from xaiaudit.attacks.ball import slopes
from xaiaudit.tensors import Images, Valid

COMPASS = 16  # directions to choose from


def way_out(centre: Tensor, x: Images, valid: Valid | None) -> Tensor:
    """(n, 2) unit vectors, row and column: for each image where its mass centre can go fastest and farthest.

    Chosen is the direction with the largest product of the linearised speed, the L1 norm of the gradient to the real
    pixels (what a step of length 1 in L-inf moves), and the room, the way from the centre to the image's edge.

    Args:
        centre: (n, 2) mass centres as shares of the image's sides, with the graph back to `x`. Two backwards.
        x: the images.
    """
    moves = torch.stack(
        [
            torch.autograd.grad(part.sum(), x, retain_graph=True, materialize_grads=True)[0]
            if part.requires_grad
            else torch.zeros_like(x)
            for part in centre.unbind(1)
        ],
        1,
    )  # (n, 2, c, h, w)
    if valid is not None:
        moves = moves.masked_fill(~valid[:, None], 0)
    angles = torch.arange(COMPASS, device=x.device, dtype=centre.dtype) * (tau / COMPASS)
    compass = torch.stack((angles.sin(), angles.cos()), 1)  # (16, 2)
    speed = torch.stack(
        [slopes((moves * way.view(1, 2, 1, 1, 1)).sum(1, keepdim=True), "linf")[:, 0] for way in compass], 1
    )
    best = (speed * room(centre.detach(), compass)).nan_to_num(0).argmax(1)
    return compass[best]


def room(centre: Tensor, compass: Tensor) -> Tensor:
    """(n, k) way from each centre to the edge of the unit square along each of k directions, (k, 2)."""
    edge = torch.where(
        compass > 0, 1 - centre[:, None], centre[:, None]
    )  # (n, k, 2) to the edge ahead, by axis
    ways: Tensor = (edge / compass.abs().clamp(min=torch.finfo(centre.dtype).tiny)).amin(2)
    return ways
