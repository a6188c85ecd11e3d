"""What training may know of where lesions are: a share of the outlines, or boxes in their place."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from xaiaudit.data.cases import positions
from xaiaudit.types import Mask, Sample


def kept_outlines(
    samples: Sequence[Sample], cases: Sequence[str], share: float, seed: int
) -> tuple[int, ...]:
    """Which samples keep their outline, by position, ascending: whole cases, the same share of each class.

    Of each class, cases in seeded order up to the number of outlines nearest to the share, one case at least. So a
    smaller share of the same seed keeps some of the outlines of a larger one. Only samples with an outline are
    counted; an empty one (no lesion there) is an outline too. A case with two labels goes by its first image.
    """
    by_class: dict[str, list[list[int]]] = {}
    for _, images in sorted(positions(cases).items()):
        outlined = [image for image in images if samples[image].mask is not None]
        if outlined:
            by_class.setdefault(samples[images[0]].label or "", []).append(outlined)
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for _, of_class in sorted(by_class.items()):
        order = [of_class[k] for k in rng.permutation(len(of_class))]
        counts = np.cumsum([len(images) for images in order])
        last = int(np.abs(counts - share * counts[-1]).argmin())
        kept += [image for images in order[: last + 1] for image in images]
    return tuple(sorted(kept))


def known_outlines(samples: Sequence[Sample], kept: Sequence[int], *, boxes: bool) -> list[Sample]:
    """The samples, of which only those at `kept` still have their mask; with `boxes` as `boxed` has it."""
    own = set(kept)
    shown = [s if position in own else replace(s, mask=None) for position, s in enumerate(samples)]
    return [replace(s, mask=boxed(s.mask)) if boxes and s.mask is not None else s for s in shown]


def boxed(mask: Mask) -> Mask:
    """The tight upright box of each lesion (pixels that touch by a side or corner), filled: (h, w) bool."""
    filled = np.zeros_like(mask)
    for box in ndimage.find_objects(ndimage.label(mask, np.ones((3, 3)))[0]):
        filled[box] = True
    return filled
