"""Did both do the same? Success of both judged by one network in float32, and lengths of perturbations."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.subjects import Subject
from xaiaudit.attacks.ball import distance

TOLERANCE = 0.01  # of the length of a perturbation


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Counts of images whose decision flipped, and L2 lengths over images that both flipped or neither did."""

    images: int
    ours: int
    theirs: int
    norm_ours: float | None  # median over images; None: no image fared alike with both
    norm_theirs: float | None
    typical: float | None  # median over images of |ours / theirs - 1|
    largest: float | None

    def holds(self, *, norms: bool) -> bool:
        """Equal counts and, where the definitions ask for it, lengths within 1 % on the typical image."""
        near = self.typical is None or self.typical <= TOLERANCE
        return self.ours == self.theirs and (near or not norms)


@torch.inference_mode()
def agreement(subject: Subject, ours: Tensor, theirs: Tensor) -> Agreement:
    flipped = [subject.plain(images).argmax(1) != subject.labels for images in (ours, theirs)]
    lengths = [distance(images, subject.images, "l2") for images in (ours, theirs)]
    alike = (flipped[0] == flipped[1]) & (lengths[1] > 0)
    lengths = [length[alike] for length in lengths]
    apart = (lengths[0] / lengths[1] - 1).abs()
    known = bool(alike.any())
    return Agreement(
        images=len(subject.images),
        ours=int(flipped[0].sum()),
        theirs=int(flipped[1].sum()),
        norm_ours=float(lengths[0].median()) if known else None,
        norm_theirs=float(lengths[1].median()) if known else None,
        typical=float(apart.median()) if known else None,
        largest=float(apart.max()) if known else None,
    )
