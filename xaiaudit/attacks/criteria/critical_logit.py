"""How far mask logits are from a Dice score, in logits."""

import torch
from torch import Tensor

from xaiaudit.functional import soft_dice


def critical_logit(right: Tensor, reference: Tensor, limit: float) -> Tensor:
    """(m,): how far all pixels must move towards the wrong side for the Dice score to fall below `limit`.

    Every pixel that turns wrong lowers Dice, so pixels are turned in the order of their distance, and the distance
    of the one that takes Dice below the limit is the answer: in the L-infinity norm on mask logits, the distance
    from the goal, exactly. Positive while Dice >= limit, negative once it is below, zero on the boundary.

    Args:
        right: (m, p) mask logits, with their sign turned outside the reference, so that negative pixels are wrong.
        reference: (m, p) bool, not empty (else the answer means nothing, but is finite).
        limit: in (0, 1].
    """
    ordered, places = right.sort(1)
    lost = reference.gather(1, places).cumsum(1)  # pixels of the reference among those that have turned
    gained = torch.arange(1, right.shape[1] + 1, device=right.device) - lost
    area = reference.sum(1, keepdim=True)
    dice = 2.0 * (area - lost) / (2 * area - lost + gained).clamp(min=1)
    first = (dice < limit).to(torch.uint8).argmax(1, keepdim=True)  # the last pixel makes Dice zero
    critical: Tensor = ordered.gather(1, first)[:, 0]
    return critical


def soft_dice_weights(logits: Tensor, reference: Tensor) -> Tensor:
    """(m, p), summing to 1: how much soft Dice of sigmoid(logits) falls by each pixel's move to the wrong side.

    By hand: d Dice / d p = (2 y - Dice) / (|P| + |Y|), times the slope p (1 - p) of the sigmoid.
    """
    probability = logits.sigmoid()
    dice = soft_dice(probability, reference)[:, None, None, None]
    slope = (2.0 * reference - dice).abs() * probability * (1 - probability)
    flat = slope.flatten(1)
    weights: Tensor = flat / flat.sum(1, keepdim=True).clamp(min=torch.finfo(flat.dtype).tiny)
    return weights
