"""The books of an attack: the best image found for each clean one, and what was spent on it."""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import distance, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.quantise import quantise
from xaiaudit.tensors import AttackResult, Flags, Images, Rows


class Verdict(NamedTuple):
    """What a forward in full precision says of finished images."""

    reached: Tensor  # (m,) bool
    loss: Tensor  # (m,), minus infinity where undefined
    finite: Tensor  # (m,) bool: the logits are


class Tally:
    """Keeps for each image the first success (with `smallest`: the nearest), else the highest loss.

    Never counts a failure as robust.

    An image whose logits are not finite is a failure and is not kept: it has no decision to speak of.
    The same for images on the 8-bit grid: the first that reached the goal, else the kept image, rounded.
    """

    def __init__(self, x0: Images, applicable: Flags | None, smallest: Norm | None = None) -> None:
        self.x0, self.smallest = x0, smallest
        self.images = x0.clone()
        self.reached = torch.zeros(len(x0), dtype=torch.bool, device=x0.device)
        self.applicable = ~self.reached if applicable is None else applicable
        self.loss = torch.full((len(x0),), -torch.inf, dtype=x0.dtype, device=x0.device)
        self.failed = torch.zeros_like(self.reached)
        self.stored: Tensor | None = None
        self.survived = torch.zeros_like(self.reached)
        self.forwards = torch.zeros(len(x0), dtype=torch.int64, device=x0.device)
        self.backwards = torch.zeros_like(self.forwards)

    def pending(self) -> Rows:
        """Places of the images that another restart may do better."""
        return (self.applicable if self.smallest else self.applicable & ~self.reached).nonzero()[:, 0]

    def count(self, rows: Rows, forwards: int, backwards: int) -> None:
        self.forwards[rows] += forwards
        self.backwards[rows] += backwards

    def offer(self, rows: Rows, x: Images, verdict: Verdict, stuck: Flags) -> None:
        """Book finished images. `stuck`: their search could not go on."""
        before = self.reached[rows]
        better = ~before & verdict.finite & (verdict.reached | (verdict.loss >= self.loss[rows]))
        if self.smallest:
            x0 = self.x0[rows]
            nearer = distance(x, x0, self.smallest) < distance(self.images[rows], x0, self.smallest)
            better |= before & verdict.reached & nearer
        self.images[rows] = torch.where(per_image(better), x, self.images[rows])
        self.loss[rows] = torch.where(better, verdict.loss, self.loss[rows])
        self.reached[rows] |= verdict.reached
        self.failed[rows] |= stuck | ~verdict.finite

    def offer_stored(self, rows: Rows, x: Images, survived: Flags) -> None:
        """Book images on the 8-bit grid."""
        if self.stored is None:
            self.stored = quantise(self.x0)
        keep = per_image(self.survived[rows])
        self.stored[rows] = torch.where(keep, self.stored[rows], x)
        self.survived[rows] |= survived

    def result(self, norm: Norm) -> AttackResult:
        return AttackResult(
            images=self.images,
            reached=self.reached,
            distance=distance(self.images, self.x0, norm),
            forwards=self.forwards,
            backwards=self.backwards,
            failed=self.failed & ~self.reached,
            stored=self.stored,
            survived=None if self.stored is None else self.survived,
        )
