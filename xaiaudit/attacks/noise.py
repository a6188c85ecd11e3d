"""Random noise of equal norm: what an attack must beat to be one."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, radius_or_usual
from xaiaudit.attacks.search import State
from xaiaudit.attacks.searching import SearchAttack, radius_words
from xaiaudit.seeds import Draws


@dataclass(frozen=True, kw_only=True)
class Noise(SearchAttack):
    """Noise of the whole radius, drawn blindly, as a control. Carlini et al. 2019, arXiv:1902.06705.

    L-inf: each real pixel goes epsilon up or down, at random. L2: a direction drawn uniformly, at radius epsilon.
    Then clipped to [0, 1], which can shorten it. Of several draws an image keeps the first success, else the highest
    loss. There is nothing to step and no gradient: each draw costs one forward.
    """

    norm: Norm = "linf"
    epsilon: float | None = None  # radius, in [0, 1] intensities; None: 8/255, in L2 3.0
    restarts: int = 10  # draws
    name: ClassVar[str] = "noise"
    words: ClassVar[str] = "random noise"
    steps: ClassVar[int] = 0
    step_size: ClassVar[None] = None
    gradients: ClassVar[bool] = False
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", radius_or_usual(self.epsilon, self.norm))
        check_count("restarts", self.restarts)

    def start(self, ball: Ball, draws: Draws) -> State:
        if self.norm == "linf":
            direction = torch.where(draws.uniform(ball.x0) < 0.5, -1.0, 1.0).to(ball.x0)
        else:
            direction = ball.direction(draws.normal(ball.x0))
        return State(ball.project(ball.x0 + ball.radius * direction))

    def describe(self) -> str:
        shape = "each pixel up or down by the radius" if self.norm == "linf" else "one random direction"
        best = f"best of {self.restarts} draws" if self.restarts > 1 else "one draw"
        radius = radius_words(radius_or_usual(self.epsilon, self.norm), self.norm)
        return f"{self.words}: {radius}, {shape}, {best}, no gradients"
