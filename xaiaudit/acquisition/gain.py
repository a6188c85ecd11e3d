"""Overall gain: the whole picture a little brighter or darker."""

from dataclasses import dataclass

import numpy as np

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import DYNAMIC_RANGE_DB, Changed, Grey, View, brighter


@dataclass(frozen=True, kw_only=True)
class Gain:
    """Echoes louder or quieter by `db`, up or down at even chances.

    Gain multiplies the echo, so it is added to the log-compressed image: 2 dB are 8.5 of 255 grey levels where 60 dB
    lie between black and white.
    """

    db: float = 2.0  # decibels

    def __post_init__(self) -> None:
        check_range("db", self.db, 0, 6)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        return Changed(brighter(image, self.db * rng.choice((-1.0, 1.0))))

    def describe(self) -> str:
        return f"gain {self.db:g} dB up or down ({255 * self.db / DYNAMIC_RANGE_DB:.3g} grey levels)"
