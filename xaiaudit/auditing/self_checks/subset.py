"""The images of the self-checks, and how many of them an attack reaches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.models.prepared import Prepared
from xaiaudit.tensors import AttackResult


@dataclass(frozen=True, kw_only=True, eq=False)
class Subset:
    """Clean images with the decisions to leave, attacked in batches."""

    ready: Prepared
    images: Tensor  # (n, c, h, w)
    valid: Tensor  # (n, 1, h, w) bool
    seeds: Sequence[int]  # one an image
    criterion: LeaveDecision  # of all images
    batch_size: int
    on_run: Callable[[], None] = lambda: None  # before each run of an attack

    def part(self, rows: slice) -> "Subset":
        """Some of the images."""
        return replace(
            self,
            images=self.images[rows],
            valid=self.valid[rows],
            seeds=self.seeds[rows],
            criterion=LeaveDecision(self.criterion.clean[rows], self.criterion.threshold),
        )

    def reached(self, attack: Attack) -> list[bool]:
        """Whether each image leaves its decision, by a run to that goal at the attack's own radius."""
        return [flag for result in self._run(attack, ()) for flag in result.reached.tolist()]

    def reached_within(self, attack: Attack, radii: Sequence[float]) -> list[list[bool]]:
        """The same at each radius, for an attack that one run tells of them all."""
        return torch.cat([result.reached for result in self._run(attack, radii)], 1).tolist()

    def batches(self) -> Iterator[slice]:
        for start in range(0, len(self.images), self.batch_size):
            yield slice(start, start + self.batch_size)

    def _run(self, attack: Attack, radii: Sequence[float]) -> Iterator[AttackResult]:
        self.on_run()
        for batch in map(self.part, self.batches()):
            yield attack(
                batch.ready.search,
                batch.images,
                batch.criterion,
                valid=batch.valid,
                seeds=batch.seeds,
                radii=radii,
                to_goal=True,
                judge=batch.ready.judge,
            )
