"""DeepFool: step after step onto the nearest linearised decision boundary, and a little beyond."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.attacks.ball import Ball, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.boundary import nearest_boundary, shortest_step
from xaiaudit.attacks.checks import check_count
from xaiaudit.attacks.search import Objective, Seen, State
from xaiaudit.attacks.searching import SearchAttack
from xaiaudit.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class DeepFool(SearchAttack):
    """A small perturbation that reaches the goal. Moosavi-Dezfooli et al. 2016, arXiv:1511.04599.

    x = clip(x0 + (1 + overshoot) * sum of r), where each r crosses the boundary nearest to x in the norm:
    with margin z and its gradient g, r = -z g / ||g||_2^2 in L2 and r = -z sign(g) / ||g||_1 in L-inf. An
    image leaves the batch when it reaches its goal. A gradient that is zero or not finite is a failure.
    With radii, a result counts at a radius if it lies in that ball.
    """

    norm: Norm = "l2"
    steps: int = 50  # at most
    overshoot: float = 0.02
    name: ClassVar[str] = "deepfool"
    words: ClassVar[str] = "DeepFool"
    epsilon: ClassVar[None] = None
    step_size: ClassVar[None] = None
    objective: ClassVar[Objective] = "margins"
    minimal: ClassVar[bool] = True
    always_to_goal: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.norm not in ("l2", "linf"):
            raise UsageError(f"norm must be l2 or linf, got {self.norm!r}")
        check_count("steps", self.steps)
        if not 0 <= self.overshoot <= 1:
            raise UsageError(f"overshoot must lie in [0, 1], got {self.overshoot:g}; 0.02 is usual")

    def start(self, ball: Ball, draws: object) -> State:
        return State(ball.x0, (torch.zeros_like(ball.x0),))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        value, grad, slope = nearest_boundary(seen, self.norm)
        length = torch.where(slope > 0, value.abs() / slope, torch.inf)
        length = length.clamp(min=shortest_step(grad, self.norm))
        direction = grad / per_image(slope) if self.norm == "l2" else grad.sign()
        total = state.memory[0] - per_image(length) * direction
        return State(ball.project(ball.x0 + (1 + self.overshoot) * total), (total,))

    def describe(self) -> str:
        norm = {"linf": "L∞", "l2": "L2"}[self.norm]
        return (
            f"DeepFool: the smallest {norm} perturbation that it finds, at most {self.steps} steps, "
            f"overshoot {self.overshoot:g}, from the clean image"
        )
