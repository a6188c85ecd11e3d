"""The interval of a difference, joined from the intervals of its two estimates.

Source: Zou & Donner 2008, Statistics in Medicine 27:1693-1702 (MOVER); of two independent proportions it is method 10
of Newcombe 1998, Statistics in Medicine 17:873-890.
"""

import math

from xaiaudit.records import Interval


def bounds_of_difference(
    first: Interval, second: Interval, correlation: float = 0.0
) -> tuple[float | None, float | None]:
    """Bounds of first - second, in [-1, 1], of estimates in [0, 1]; None where an estimate has none.

    `correlation` is that of the two estimates: 0 where their errors are independent.
    """
    if first.estimate is None or second.estimate is None:
        return None, None
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return None, None
    difference = first.estimate - second.estimate
    below = _joined(first.estimate - first.low, second.high - second.estimate, correlation)
    above = _joined(first.high - first.estimate, second.estimate - second.low, correlation)
    return max(-1.0, difference - below), min(1.0, difference + above)


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))
