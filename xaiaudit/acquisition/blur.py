"""A wider point spread: another focus, more fat on the way, the probe pressed less."""

from dataclasses import dataclass

import numpy as np

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import DYNAMIC_RANGE_DB, Changed, Grey, View


@dataclass(frozen=True, kw_only=True)
class Blur:
    """Axial and lateral point spread wider by the factor `widening`.

    Echoes add up before they are compressed, so the compression is undone, the amplitudes are blurred by the Gaussian
    that widens one point spread to the other, and compressed again: bright echoes spread into dark ones, not the
    reverse. Amplitudes are added without their phases, which no image has.
    """

    widening: float = 1.2

    def __post_init__(self) -> None:
        check_range("widening", self.widening, 1, 3)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        more = np.sqrt(self.widening**2 - 1)
        axial, lateral = (more * sigma for sigma in view.point_spread)
        amplitude = 10 ** (image * DYNAMIC_RANGE_DB / 20)
        blurred = np.maximum(view.smooth(amplitude, (axial, lateral)), 1.0)  # 1: the echo shown as black
        return Changed(20 * np.log10(blurred) / DYNAMIC_RANGE_DB)

    def describe(self) -> str:
        return f"point spread {self.widening:g} times as wide"
