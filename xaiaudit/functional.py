"""The few formulas that training, criteria and metrics share, for NumPy arrays and torch tensors alike.

They use only operators and methods that both have, so that neither is imported here.
"""

import math
from typing import Any

Array = Any  # numpy.ndarray or torch.Tensor; what goes in comes out


def logit(probability: float) -> float:
    """log(p / (1 - p)) of a probability strictly between 0 and 1.

    Raises:
        ValueError: p is not strictly between 0 and 1, so that the decision would not depend on the image.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"an operating threshold lies strictly between 0 and 1, got {probability}")
    return math.log(probability) - math.log1p(-probability)


def margin(logits: Array, threshold: float = 0.5) -> Array:
    """z1 - z0 - logit(threshold), (n,), in logits: at or above 0 the decision of two classes is class 1.

    Compared in logits because probabilities saturate. Expects (n, 2).
    """
    return logits[:, 1] - logits[:, 0] - logit(threshold)


def decision(logits: Array, threshold: float = 0.5) -> Array:
    """Class index per image, (n,): of two classes by `margin` >= 0, of more by the largest logit."""
    if logits.shape[1] == 2:
        return (margin(logits, threshold) >= 0) * 1
    return logits.argmax(1)


def soft_dice(probability: Array, target: Array) -> Array:
    """2 |A.B| / (|A| + |B|) over all but the first axis, (n,), in [0, 1]; NaN where both are empty.

    `probability` in [0, 1]; a boolean pair gives the Dice score. Source: Rasaee 2022, equation 3.
    """
    axes = tuple(range(1, target.ndim))
    probability, target = probability * 1.0, target * 1.0
    return 2 * (probability * target).sum(axes) / (probability.sum(axes) + target.sum(axes))
