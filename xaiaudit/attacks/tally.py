"""The books of an attack: the best image found for each clean one, and what was spent on it."""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import distance, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.tensors import AttackResult, Flags, Images, Rows


class Verdict(NamedTuple):
    """What a forward in full precision says of finished images."""

    reached: Tensor  # (m,) bool
    loss: Tensor  # (m,), minus infinity where undefined
    finite: Tensor  # (m,) bool: the logits are


class Tally:
    """Keeps for each image the first success, else the highest loss. Never counts a failure as robust.

    An image whose logits are not finite is a failure and is not kept: it has no decision to speak of.

    `known`: what a smaller radius found: its successes stand, and nothing is spent on them again.
    """

    def __init__(self, x0: Images, known: AttackResult | None) -> None:
        self.x0 = x0
        self.images = x0.clone()
        self.reached = torch.zeros(len(x0), dtype=torch.bool, device=x0.device)
        if known is not None:
            self.images = torch.where(per_image(known.reached), known.images, x0)
            self.reached = known.reached.clone()
        self.loss = torch.full((len(x0),), -torch.inf, dtype=x0.dtype, device=x0.device)
        self.failed = torch.zeros_like(self.reached)
        self.forwards = torch.zeros(len(x0), dtype=torch.int64, device=x0.device)
        self.backwards = torch.zeros_like(self.forwards)

    def pending(self) -> Rows:
        return (~self.reached).nonzero()[:, 0]

    def count(self, rows: Rows, forwards: int, backwards: int) -> None:
        self.forwards[rows] += forwards
        self.backwards[rows] += backwards

    def offer(self, rows: Rows, x: Images, verdict: Verdict, stuck: Flags) -> None:
        """Book finished images. `stuck`: their search could not go on."""
        better = ~self.reached[rows] & verdict.finite & (verdict.reached | (verdict.loss >= self.loss[rows]))
        self.images[rows] = torch.where(per_image(better), x, self.images[rows])
        self.loss[rows] = torch.where(better, verdict.loss, self.loss[rows])
        self.reached[rows] |= verdict.reached
        self.failed[rows] |= stuck | ~verdict.finite

    def result(self, norm: Norm) -> AttackResult:
        return AttackResult(
            images=self.images,
            reached=self.reached,
            distance=distance(self.images, self.x0, norm),
            forwards=self.forwards,
            backwards=self.backwards,
            failed=self.failed & ~self.reached,
        )
