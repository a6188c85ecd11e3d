"""Time-gain compensation: brighter at some depths, darker at others."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import DYNAMIC_RANGE_DB, Changed, Grey, View, brighter

SLIDERS = 6  # from the skin to the deepest row


@dataclass(frozen=True, kw_only=True)
class TimeGain:
    """Six sliders evenly down the image, each set anew by up to `db` either way, with a smooth curve between them.

    Their mean is taken off: it would be overall gain, which is a change of its own.
    """

    db: float = 2.0  # decibels

    def __post_init__(self) -> None:
        check_range("db", self.db, 0, 3)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        rows, _ = view.box
        settings = rng.uniform(-self.db, self.db, SLIDERS)
        places = np.linspace(rows.start, max(rows.stop, rows.start + 2) - 1, SLIDERS)  # even of a single row
        curve = PchipInterpolator(places, settings - settings.mean())
        depths = np.clip(np.arange(image.shape[0]), rows.start, rows.stop - 1)
        return Changed(brighter(image, np.broadcast_to(curve(depths)[:, None], image.shape)))

    def describe(self) -> str:
        levels = 255 * self.db / DYNAMIC_RANGE_DB
        return (
            f"time-gain compensation: six depths each set anew within {self.db:g} dB ({levels:.3g} grey levels) "
            "either way, less their mean"
        )
