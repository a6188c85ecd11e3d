"""JPEG: the picture stored by a lossy codec on its way out of the scanner."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import Changed, Grey, View


@dataclass(frozen=True, kw_only=True)
class Jpeg:
    """The real part of the image, compressed as grey JPEG of this `quality` and read again."""

    quality: int = 75  # of libjpeg; its usual one

    def __post_init__(self) -> None:
        check_range("quality", self.quality, 1, 100)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        stored = io.BytesIO()
        pixels = np.asarray(np.rint(np.clip(image[view.box], 0, 1) * 255), np.uint8)
        Image.fromarray(pixels).save(stored, "JPEG", quality=int(self.quality))
        shown = image.copy()
        shown[view.box] = np.asarray(Image.open(stored), np.float64) / 255
        return Changed(shown)

    def describe(self) -> str:
        return f"stored as JPEG of quality {self.quality:g}"
