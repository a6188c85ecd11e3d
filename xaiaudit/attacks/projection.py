"""The shortest way onto a linearised decision boundary that stays in the box."""

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, per_image
from xaiaudit.attacks.base import Norm

# Each ends at the solution unless a pixel meets its bound on the way. B-mode images take four, boxes and gradients
# drawn over six decades eight; one too few would leave the way a trifle short.
NEWTON_STEPS = 10


def onto_boundary(x: Tensor, grad: Tensor, value: Tensor, ball: Ball, norm: Norm) -> Tensor:
    """(m, c, h, w) the smallest d with <grad, d> = -value and ball.low <= x + d <= ball.high.

    Where the box does not reach the boundary, d leads to the corner nearest to it. At a value of 0, d is 0.

    All pixels go down the gradient by the same length (in L2: by that length times their slope) but for those that
    meet their bound before. What they gain is concave and piecewise linear in the length, so that Newton's method
    from 0 never passes the solution, and ends on it.

    Source: Croce & Hein 2020, arXiv:1907.02044, section 3.2, who sort the pixels by their bounds instead.

    Args:
        grad: of `value`, (m, c, h, w), finite and somewhere not 0.
        value: (m,).
    """
    size = grad.abs().amax((1, 2, 3))
    slope = grad.abs() / per_image(size)  # squares of small numbers would vanish
    down = -grad.sign() * per_image(torch.where(value < 0, -1.0, 1.0).to(x))
    room = torch.where(down > 0, ball.high - x, x - ball.low)
    pace = slope if norm == "l2" else torch.ones_like(slope)
    length = _length((slope * pace).flatten(1), (room / pace).flatten(1), value.abs() / size)
    return down * torch.minimum(per_image(length) * pace, room)


def _length(weight: Tensor, bound: Tensor, wanted: Tensor) -> Tensor:
    """(m,) the l at which sum(weight * min(l, bound)), over (m, p), comes to what is wanted, or as near as it can."""
    bound = torch.where(weight > 0, bound, 0)
    wanted = torch.minimum(wanted, _dot(weight, bound))
    length = torch.zeros_like(wanted)
    for _ in range(NEWTON_STEPS):
        reach = length[:, None]
        missing = wanted - _dot(weight, torch.minimum(bound, reach))
        if not (missing.is_cuda or bool((missing > 8 * torch.finfo(wanted.dtype).eps * wanted).any())):
            break  # on CUDA the question would cost more than the steps
        rate = _dot(weight, (bound > reach).to(weight))
        length = length + torch.where(rate > 0, missing.clamp(min=0) / rate, 0)
    return length


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """(m, p) twice to (m,)."""
    return (a[:, None] @ b[:, :, None])[:, 0, 0]
