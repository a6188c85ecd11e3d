"""Wide images with a lesion, which padding makes square: a folder with a manifest."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_wide(folder: Path, number: int, darkest: int, lesion_grey: int | None = None) -> Path:
    """Noise from `darkest` to 249 on 16 x 32 pixels; the lesion of 4 x 4 is of one grey, or is noise as the rest."""
    lesion = np.zeros((16, 32), bool)
    lesion[4:8, 12:16] = True
    for n in range(number):
        grey = np.random.default_rng(n).integers(darkest, 250, (16, 32))
        shown = grey if lesion_grey is None else np.where(lesion, lesion_grey, grey)
        for name, pixels in ((f"{n}.png", shown), (f"{n}_m.png", lesion * 255)):
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
    lines = "\n".join(f"{n}.png,{n}_m.png,benign,{n},0.2" for n in range(number))
    (folder / "manifest.csv").write_text(f"image,mask,label,case,spacing_mm\n{lines}\n")
    return folder
