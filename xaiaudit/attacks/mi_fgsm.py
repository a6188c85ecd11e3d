"""Iterative FGSM whose direction has momentum."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.attacks.ball import Ball, l1, unit
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.searching import SearchAttack
from xaiaudit.errors import UsageError
from xaiaudit.seeds import Draws


@dataclass(frozen=True, kw_only=True)
class MomentumFGSM(SearchAttack):
    """MI-FGSM: the signs of a running sum of gradients. Dong et al. 2018, arXiv:1710.06081, algorithm 1.

    g = momentum * g + gradient / ||gradient||_1, x = clip(x + alpha sign(g)) in the L-inf ball, from the clean image.
    """

    epsilon: float = 8 / 255  # L-inf radius, in [0, 1] intensities
    steps: int = 25
    momentum: float = 1.0  # weight of what was summed before; 0: iterative FGSM
    alpha: float | None = None  # step size; None: epsilon / steps, at every radius
    name: ClassVar[str] = "mi-fgsm"
    words: ClassVar[str] = "momentum iterative FGSM"
    norm: ClassVar[Norm] = "linf"

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("steps", self.steps)
        check_radius("alpha", self.step_size, self.norm)
        if not 0 <= self.momentum <= 1:
            raise UsageError(f"momentum must lie in [0, 1], got {self.momentum:g}; 1 is usual, 0 is fgsm")

    @property
    def step_size(self) -> float:
        return self.epsilon / self.steps if self.alpha is None else self.alpha

    def start(self, ball: Ball, draws: Draws) -> State:
        return State(ball.x0, (torch.zeros_like(ball.x0),))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        total = self.momentum * state.memory[0] + unit(seen.grads[:, 0], l1)
        step_size = ball.radius / self.steps if self.alpha is None else self.alpha
        return State(ball.climb(state.x, total, step_size), (total,))

    def describe(self) -> str:
        return f"{super().describe()}, momentum {self.momentum:g}"
