"""One image as a second sweep would show it: changes applied in turn, on the 8-bit grid, padding left alone."""

import hashlib
from collections.abc import Sequence

import numpy as np

from xaiaudit.acquisition.motion import joined
from xaiaudit.acquisition.view import Change, Changed, Grey, View
from xaiaudit.types import IDENTITY


def swept(image: Grey, view: View, changes: Sequence[tuple[str, Change]], seed: int) -> Changed:
    """The image after `changes`, given as (name, change), one after the other.

    The draws of a change come from the image's seed and the change's name alone: they are the same whatever the batch,
    and the same alone as among others.

    Args:
        image: (h, w) in [0, 1].
        view: its real pixels and their size.
        seed: of the image.

    Returns:
        The image on the 8-bit grid, equal to `image` where not valid, and where its points went.
    """
    shown, motion = image.astype(np.float64), IDENTITY
    if not view.valid.any():
        return Changed(shown, motion)
    for name, change in changes:
        changed = change(shown, view, draws(seed, name))
        shown, motion = np.clip(changed.image, 0, 1), joined(motion, changed.motion)
    return Changed(np.where(view.valid, np.rint(shown * 255) / 255, image), motion)


def draws(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one change of one image."""
    own = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, own])
