"""Projected gradient descent from random points of the ball, in L-inf and in L2."""

from dataclasses import dataclass
from typing import ClassVar

from xaiaudit.attacks.ball import Ball, per_image, unit
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.searching import SearchAttack
from xaiaudit.seeds import Draws


@dataclass(frozen=True, kw_only=True)
class PGD(SearchAttack):
    """PGD in the L-inf ball, started uniformly in it. Madry et al. 2018, arXiv:1706.06083."""

    epsilon: float = 8 / 255  # L-inf radius, in [0, 1] intensities
    steps: int = 40
    restarts: int = 1
    alpha: float | None = None  # step size; None: 2.5 epsilon / steps, at every radius
    name: ClassVar[str] = "pgd"
    words: ClassVar[str] = "PGD"
    norm: ClassVar[Norm] = "linf"
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("steps", self.steps)
        check_count("restarts", self.restarts)
        check_radius("alpha", self.step_size, "l2")  # above 1 (few steps at a large radius) is no mistake

    @property
    def step_size(self) -> float:
        return 2.5 * self.epsilon / self.steps if self.alpha is None else self.alpha

    def start(self, ball: Ball, draws: Draws) -> State:
        return State(ball.uniform(draws.uniform(ball.x0)))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        step_size = 2.5 * ball.radius / self.steps if self.alpha is None else self.alpha
        return State(ball.climb(state.x, seen.grads[:, 0], step_size))


@dataclass(frozen=True, kw_only=True)
class PGDL2(SearchAttack):
    """PGD in the L2 ball, along gradients of length 1, started uniformly in it. Madry et al. 2018."""

    epsilon: float = 3.0  # L2 radius over all pixels, in [0, 1] intensities
    steps: int = 40
    restarts: int = 1
    alpha: float | None = None  # step size; None: 2.5 epsilon / steps, at every radius
    name: ClassVar[str] = "pgd-l2"
    words: ClassVar[str] = "PGD"
    norm: ClassVar[Norm] = "l2"
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("steps", self.steps)
        check_count("restarts", self.restarts)
        check_radius("alpha", self.step_size, self.norm)

    @property
    def step_size(self) -> float:
        return 2.5 * self.epsilon / self.steps if self.alpha is None else self.alpha

    def start(self, ball: Ball, draws: Draws) -> State:
        """A random direction over the real pixels, at radius epsilon * u^(1/d) of their number d."""
        direction = ball.direction(draws.normal(ball.x0))
        pixels = ball.valid.expand_as(ball.x0).flatten(1).sum(1)
        share = draws.uniform(ball.x0[:, 0, 0, 0]) ** (1 / pixels)
        return State(ball.project(ball.x0 + per_image(share) * ball.radius * direction))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        step_size = 2.5 * ball.radius / self.steps if self.alpha is None else self.alpha
        return State(ball.project(state.x + step_size * unit(seen.grads[:, 0])))
