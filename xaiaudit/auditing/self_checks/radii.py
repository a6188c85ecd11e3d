"""Where the self-checks look: the radii that they try, and the one at which attacks are compared. No torch."""

from collections.abc import Sequence
from math import sqrt

from xaiaudit.records import CURVE_GREY_LEVELS

FEW, MANY = 0.05, 0.95  # of success; between them, one attack can be seen to find more than another


def radii(norm: str, pixels: int, reach: float | None) -> list[float]:
    """Those of the epsilon curve, rising; in L2 the lengths of that change in every pixel.

    `reach`: radii beyond what all steps together can travel are left out, except for the first of them, cut to it.
    """
    unit = 1.0 if norm == "linf" else sqrt(pixels)
    chosen = [level / 255 * unit for level in CURVE_GREY_LEVELS]
    if reach is None or reach >= chosen[-1]:
        return chosen
    return [*(radius for radius in chosen if radius < reach), reach]


def nearest_half(rates: Sequence[float]) -> int | None:
    """Index of the success rate nearest to one half, of those from 5 to 95 %; of equals the last. None: no such."""
    fit = [place for place, rate in enumerate(rates) if FEW <= rate <= MANY]
    return min(fit, key=lambda place: (abs(rates[place] - 0.5), -place), default=None)


def compared(rates: Sequence[float]) -> int | None:
    """Where to compare: nearest to one half; where even the largest radius reaches few, there. Else None."""
    if not rates:
        return None
    half = nearest_half(rates)
    return half if half is not None or rates[-1] >= FEW else len(rates) - 1


def grey_levels(radius: float, norm: str, pixels: int) -> float:
    """Of an L-inf radius, or of the change in every pixel that has this L2 length."""
    return 255 * radius / (1.0 if norm == "linf" else sqrt(pixels))


def words(radius: float, norm: str, pixels: int) -> str:
    """E.g. "0.5 grey levels", "an L2 radius of 0.88 (1 grey level in every pixel)"."""
    level = grey_levels(radius, norm, pixels)
    told = f"{level:.3g} grey level{'' if f'{level:.3g}' == '1' else 's'}"
    return told if norm == "linf" else f"an L2 radius of {radius:.3g} ({told} in every pixel)"
