"""FAB: from boundary to boundary, drawn towards the clean image, for the smallest perturbation."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, distance, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.boundary import nearest_boundary, shortest_step
from xaiaudit.attacks.checks import check_count, radius_or_usual
from xaiaudit.attacks.projection import onto_boundary
from xaiaudit.attacks.search import Objective, Seen, State
from xaiaudit.attacks.searching import SearchAttack, radius_words
from xaiaudit.errors import UsageError

BEYOND = (1.05, 1.25, 2.0, 4.0)  # times the distance, for the judge
SECANTS = 3  # of the final search


class _Memory(NamedTuple):
    """What is known of each image, (m, ...)."""

    best: Tensor  # (m, c, h, w) the nearest point that reached the goal
    nearest: Tensor  # how far it is, infinite where none did
    best_lead: Tensor  # the smallest margin there
    inner: Tensor  # how far the last point of the final search is that did not reach the goal
    inner_lead: Tensor


@dataclass(frozen=True, kw_only=True)
class FAB(SearchAttack):
    """The fast adaptive boundary attack, untargeted. Croce & Hein 2020, arXiv:1907.02044, algorithm 1.

    With p and p0 the projections of x and of the clean x0 onto the nearest linearised boundary, inside the box,
    a step is x = clip((1 - a)(x + eta (p - x)) + a (x0 + eta (p0 - x0))), where a = min(|p - x| / (|p - x| +
    |p0 - x0|), alpha_max). Where x has reached the goal it is kept if it is the nearest so far, and the next step
    begins at x0 + beta (x - x0). In the end, three secants between x0 and the nearest look for a nearer one.
    Searched in the whole box: the result counts at a radius if it lies in that ball.
    """

    norm: Norm = "linf"
    epsilon: float | None = None  # radius in which a result counts; None: 8/255, in L2 3.0
    steps: int = 100
    alpha_max: float = 0.1
    eta: float = 1.05
    beta: float = 0.9
    name: ClassVar[str] = "fab"
    words: ClassVar[str] = "FAB"
    step_size: ClassVar[None] = None
    objective: ClassVar[Objective] = "margins"
    minimal: ClassVar[bool] = True
    always_to_goal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", radius_or_usual(self.epsilon, self.norm))
        check_count("steps", self.steps)
        for name, least, most in (("alpha_max", 0, 1), ("eta", 1, 2), ("beta", 0, 1)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} must lie in [{least}, {most}], got {getattr(self, name):g}")

    @property
    def looks(self) -> int:
        """One for gradients before each step, one at what it led to; the secants."""
        return 2 * self.steps + SECANTS

    def wants_gradients(self, step: int) -> bool:
        return step < 2 * self.steps and step % 2 == 0

    def start(self, ball: Ball, draws: object) -> State:
        zero = torch.zeros_like(ball.x0[:, 0, 0, 0], dtype=torch.float64)
        return State(ball.x0, _Memory(ball.x0, zero + torch.inf, zero, zero, zero))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        known = self._noted(state, seen, ball)
        done = None
        if self.wants_gradients(seen.step):
            x = self._forward(state.x, seen, ball)
            done = known.nearest == 0 if seen.step == 0 else None  # the clean image has reached the goal
        elif seen.step < 2 * self.steps - 1:
            back = ball.x0 + self.beta * (state.x - ball.x0)
            x = torch.where(per_image(seen.reached), back, state.x)
        elif seen.step < self.looks - 1:
            x = self._secant(known, ball)
        else:
            x = state.x
        return State(x, known, done)

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        """The nearest; beyond it others, for a judge who sees the boundary elsewhere than a coarser search does."""
        known = _Memory(*state.memory)
        return known.best, *(_stretched(known, times * known.nearest, ball) for times in BEYOND)

    def _noted(self, state: State, seen: Seen, ball: Ball) -> _Memory:
        known = _Memory(*state.memory)
        length, lead = distance(state.x, ball.x0, self.norm), seen.values.amin(1).double()
        nearer = seen.reached & (length < known.nearest)
        inner = ~seen.reached & (seen.step == 0 or seen.step >= 2 * self.steps)
        return known._replace(
            best=torch.where(per_image(nearer), state.x, known.best),
            nearest=torch.where(nearer, length, known.nearest),
            best_lead=torch.where(nearer, lead, known.best_lead),
            inner=torch.where(inner, length, known.inner),
            inner_lead=torch.where(inner, lead, known.inner_lead),
        )

    def _forward(self, x: Tensor, seen: Seen, ball: Ball) -> Tensor:
        """A little beyond the nearest boundary, and a little of the way straight from the clean image."""
        value, grad, slope = nearest_boundary(seen, self.norm)
        least = shortest_step(grad, self.norm) * slope
        value = torch.where(value < 0, value, torch.maximum(value, least))
        way = onto_boundary(x, grad, value, ball, self.norm)
        gap = value - (grad * (x - ball.x0)).sum((1, 2, 3))  # of the same plane, at the clean image
        straight = onto_boundary(ball.x0, grad, gap, ball, self.norm)
        zero = torch.zeros_like(x)
        mine, its = distance(way, zero, self.norm), distance(straight, zero, self.norm)
        share = per_image((mine / (mine + its)).nan_to_num(nan=0).clamp(max=self.alpha_max).to(x))
        return ball.project((1 - share) * (x + self.eta * way) + share * (ball.x0 + self.eta * straight))

    def _secant(self, known: _Memory, ball: Ball) -> Tensor:
        """Where a straight line puts the boundary, and a hundredth of what is left: there, rounding decides nothing."""
        share = (known.inner_lead / (known.inner_lead - known.best_lead)).nan_to_num(nan=1).clamp(0, 1)
        length = known.inner + (0.99 * share + 0.01) * (known.nearest - known.inner)
        return _stretched(known, length, ball)

    def describe(self) -> str:
        radius = radius_words(radius_or_usual(self.epsilon, self.norm), self.norm)
        return (
            f"FAB: the smallest perturbation that it finds in {self.steps} steps, if within {radius}, "
            "from the clean image"
        )


def _stretched(known: _Memory, length: Tensor, ball: Ball) -> Tensor:
    """The point of that distance, (m,), on the line from the clean image through the nearest point found."""
    somewhere = known.nearest.isfinite() & (known.nearest > 0)
    share = torch.where(somewhere, length / known.nearest, 0)
    return ball.project(ball.x0 + per_image(share.to(ball.x0)) * (known.best - ball.x0))
