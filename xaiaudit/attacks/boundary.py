"""The nearest linearised boundary, where searches for a small perturbation go next."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import slopes
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.search import Seen

SHORTEST_STEP = 1e-6  # of a pixel: float32 does not feel less


class Boundary(NamedTuple):
    """Of the criterion's boundaries the one that is nearest to first order; the clean side has positive values."""

    value: Tensor  # (m,) signed distance in score
    grad: Tensor  # (m, c, h, w)
    slope: Tensor  # (m,) length of the gradient in the dual norm: value / slope is how far away it lies


def nearest_boundary(seen: Seen, norm: Norm) -> Boundary:
    """A value without a slope lies infinitely far away."""
    slope = slopes(seen.grads, norm)  # (m, j)
    chosen = torch.where(slope > 0, seen.values.abs() / slope, torch.inf).argmin(1, keepdim=True)  # (m, 1)
    grad = seen.grads[torch.arange(len(chosen), device=chosen.device), chosen[:, 0]]
    return Boundary(seen.values.gather(1, chosen)[:, 0], grad, slope.gather(1, chosen)[:, 0])


def shortest_step(x: Tensor, norm: Norm) -> float:
    """Without it, an image whose margin is zero would never move. In L2 the root mean square is meant."""
    pixels = x[0].numel() if norm == "l2" else 1
    return SHORTEST_STEP * math.sqrt(pixels)
