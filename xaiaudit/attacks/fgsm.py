"""The fast gradient sign method: in many steps, in one, and as the thesis ran it."""

from dataclasses import dataclass
from typing import ClassVar

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.searching import SearchAttack


@dataclass(frozen=True, kw_only=True)
class IterativeFGSM(SearchAttack):
    """FGSM in small steps from the clean image (BIM). Kurakin et al. 2017, arXiv:1607.02533."""

    epsilon: float = 0.1  # L-inf radius, in [0, 1] intensities
    steps: int = 25
    alpha: float | None = None  # step size; None: epsilon / steps, at every radius
    name: ClassVar[str] = "fgsm"
    words: ClassVar[str] = "iterative FGSM"
    norm: ClassVar[Norm] = "linf"

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("steps", self.steps)
        check_radius("alpha", self.step_size, self.norm)

    @property
    def step_size(self) -> float:
        return self.epsilon / self.steps if self.alpha is None else self.alpha

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        step_size = ball.radius / self.steps if self.alpha is None else self.alpha
        return State(ball.climb(state.x, seen.grads[:, 0], step_size))


@dataclass(frozen=True, kw_only=True)
class SingleStepFGSM(SearchAttack):
    """One step of the size of the radius. Goodfellow et al. 2015, arXiv:1412.6572, section 4."""

    epsilon: float = 0.1  # L-inf radius, in [0, 1] intensities
    name: ClassVar[str] = "fgsm-single"
    words: ClassVar[str] = "single-step FGSM"
    norm: ClassVar[Norm] = "linf"
    steps: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)

    @property
    def step_size(self) -> float:
        return self.epsilon

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        return State(ball.climb(state.x, seen.grads[:, 0], ball.radius))


@dataclass(frozen=True, kw_only=True)
class ThesisFGSM(SearchAttack):
    """Iterative FGSM with 25 steps of 0.1 grey level, so at most 2.5 grey levels. Rasaee 2022.

    The second reading of "epsilon 0.1, 25 steps"; nothing about it can be changed, the radius included.
    """

    name: ClassVar[str] = "fgsm-thesis"
    words: ClassVar[str] = "iterative FGSM as in the thesis of Rasaee 2022"
    norm: ClassVar[Norm] = "linf"
    epsilon: ClassVar[float] = 2.5 / 255
    steps: ClassVar[int] = 25
    step_size: ClassVar[float] = 0.1 / 255
    supports_radii: ClassVar[bool] = False

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        return State(ball.climb(state.x, seen.grads[:, 0], self.step_size))
