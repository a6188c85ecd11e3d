"""Of which cells a map says something: those that its metrics may look at."""

from xaiaudit.explainers.base import Explainer
from xaiaudit.explainers.on_image import OnImage
from xaiaudit.types import Cells, Masks


def told_cells(explainer: Explainer, valid: Masks) -> Cells | None:
    """(n, u, v) of its maps, for metrics' `within`; None: all.

    A map of pixels is 0 in padding because padding is no part of the image that it explains: that is no statement, and
    would be the maximum of a map that is negative everywhere else. The cells of a layer see padding, so that what is
    found there is a finding.

    Args:
        valid: real pixels, (n, h, w), of the images that were explained.
    """
    return valid if isinstance(explainer, OnImage) else None
