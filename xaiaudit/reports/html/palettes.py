"""The colours of maps: those of the PDF first, then others that a reader may be used to."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap

from xaiaudit.reports.figures.panels import sequential, signed


def palettes() -> list[dict[str, Any]]:
    """256 colours each, low to high, as hexadecimal digits. Of `signed` ones the middle stands for 0."""
    return [
        _palette("Cividis, as in the PDF", False, sequential()),
        _palette("Viridis", False, colormaps["viridis"]),
        _palette("Grey", False, colormaps["gray"]),
        _palette("Blue to yellow, as in the PDF", True, signed()),
        _palette("Blue to red, diverging", True, colormaps["RdBu_r"]),
        _palette("Grey", True, colormaps["gray"]),
    ]


def _palette(name: str, of_signed: bool, colours: Colormap) -> dict[str, Any]:
    rgb: np.ndarray = colours(np.linspace(0, 1, 256), bytes=True)[:, :3]
    return {"name": name, "signed": of_signed, "colours": rgb.tobytes().hex()}
