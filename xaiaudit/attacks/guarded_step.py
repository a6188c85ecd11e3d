"""A signed step that climbs one value and lowers another no further than it may."""

import torch
from torch import Tensor

from xaiaudit.attacks.ball import by_largest, per_image
from xaiaudit.tensors import Scores

HALVINGS = 12
SPAN = 14.0  # binary orders of magnitude that the weight is looked for in, up and down from 1


def guarded_signs(up: Tensor, guard: Tensor, slack: Scores, step_size: Tensor | float) -> Tensor:
    """(m, c, h, w) of -1, 0 and 1: along `up`, with what is needed along `guard`.

    Of all steps of that size in L-inf, the one that raises the first value most, in the linearised model, and lowers
    the second by no more than `slack`: a linear programme over a box, whose solution is sign(up + w guard) with the
    smallest w >= 0 that fulfils the condition. What the step brings the second value rises with w, so w is found by
    bisection, to half a percent. Where no w is enough (slack too negative), the step is almost along `guard`.

    Args:
        up: gradient of what to raise, (m, c, h, w); any scale.
        guard: gradient of what to keep.
        slack: (m,) by how much that may fall; negative: by how much it must rise.
        step_size: (m, 1, 1, 1) or a number, in [0, 1] intensities.
    """
    first, second = by_largest(up), by_largest(guard)

    def signs(weight: Tensor) -> Tensor:
        return (first + per_image(weight) * second).sign()

    def kept(weight: Tensor) -> Tensor:
        gain: Tensor = (step_size * signs(weight) * guard).flatten(1).sum(1)
        return gain >= -slack

    free = kept(torch.zeros_like(slack))
    low, high = torch.full_like(slack, -SPAN), torch.full_like(slack, SPAN)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = kept(2**middle)
        high, low = torch.where(enough, middle, high), torch.where(enough, low, middle)
    return signs(torch.where(free, 0, 2**high))
