"""Real images under every change still show the same lesion: what moved is moved back and compared."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from xaiaudit.acquisition.registry import CHANGES, change
from xaiaudit.acquisition.sweep import swept
from xaiaudit.acquisition.view import AXIAL_MM, LATERAL_MM, Motion, view_of
from xaiaudit.data import open_dataset, prepare
from xaiaudit.types import Preprocessing

ALL = [(name, change(name)) for name in CHANGES]


def back(image: np.ndarray, motion: Motion) -> np.ndarray:
    """The second sweep on the grid of the first; NaN where it shows nothing."""
    points = np.indices(image.shape).reshape(2, -1) + 0.5
    went = motion[:, :2] @ points + motion[:, 2:] - 0.5
    return ndimage.map_coordinates(image, went, order=1, cval=np.nan).reshape(image.shape)


@pytest.mark.parametrize("folder", ["busi", "busbra", "breast_usg"])
def test_the_same_lesion_is_seen_again(test_data: Path, folder: str) -> None:
    dataset = open_dataset(test_data / folder)
    for index in range(0, len(dataset), len(dataset) // 6):
        sample = prepare(dataset[index], Preprocessing())
        assert sample.valid is not None
        view = view_of(sample.valid, sample.spacing)
        image = sample.image / 255
        fine = view.pixels(AXIAL_MM, LATERAL_MM)
        for changes in [*([pair] for pair in ALL), ALL]:
            shown, motion = swept(image, view, changes, seed=index)
            again = back(np.where(view.valid, shown, np.nan), motion)
            both = view.valid & np.isfinite(again)
            assert both.sum() > 0.75 * view.valid.sum()
            assert np.corrcoef(image[both], again[both])[0, 1] > 0.85, changes[0][0]
            smooth = [view.smooth(np.where(both, part, 0.0), fine) for part in (image, again)]
            inside = ndimage.binary_erosion(both, iterations=8)
            assert np.corrcoef(*(part[inside] for part in smooth))[0, 1] > 0.95, changes[0][0]
            changed = 255 * np.abs(image - again)[both].mean()
            if changes[0][0] == "shift" and len(changes) == 1:
                assert changed < 1e-9  # by whole pixels: what both sweeps show is the same
            else:
                assert 0.3 < changed < 20, changes[0][0]
