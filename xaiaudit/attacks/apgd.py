"""Auto-PGD: projected gradient ascent with momentum that chooses its step sizes itself."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, by_largest, per_image, unit
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, radius_or_usual
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.searching import SearchAttack, radius_words
from xaiaudit.seeds import Draws

PULL = 0.75  # share of the gradient step in a move; the rest goes on in the direction of the last one
RISES = 0.75  # share of moves since the last checkpoint that must raise the loss, or the step size is halved


class _Memory(NamedTuple):
    """What an image carries from step to step."""

    last: Tensor  # (m, c, h, w) where the last move began
    best: Tensor  # (m, c, h, w) with the highest loss so far
    best_grad: Tensor  # (m, c, h, w)
    best_loss: Tensor  # (m,)
    loss: Tensor  # (m,) at the last look
    rises: Tensor  # (m,) moves that raised the loss since the last checkpoint
    step_size: Tensor  # (m,)
    checked_loss: Tensor  # (m,) best_loss at the last checkpoint
    halved: Tensor  # (m,) bool: the step size, at the last checkpoint


@dataclass(frozen=True, kw_only=True)
class APGD(SearchAttack):
    """APGD-CE, from a random point at the radius. Croce & Hein 2020, arXiv:2003.01690, algorithm 1.

    The step size begins at 2 epsilon. At checkpoints, which come closer and closer, it is halved where too few moves
    raised the loss, or where neither it nor the best loss has changed since the last one; the image then goes on from
    its best point. Cross-entropy is a rising function of the criterion's loss, so that all of this is the same for
    both. Judged at the end: the best point, and the last. L2 moves along gradients of length 1.
    """

    norm: Norm = "linf"
    epsilon: float | None = None  # radius, in [0, 1] intensities; None: 8/255, in L2 3.0
    steps: int = 100
    restarts: int = 1
    name: ClassVar[str] = "apgd"
    words: ClassVar[str] = "APGD-CE"
    step_size: ClassVar[None] = None
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", radius_or_usual(self.epsilon, self.norm))
        check_count("steps", self.steps)
        check_count("restarts", self.restarts)

    def start(self, ball: Ball, draws: Draws) -> State:
        """The drawn direction reaches from the clean image to the sphere, before it is clipped to the box."""
        if self.norm == "linf":
            direction = by_largest(torch.where(ball.valid, 2 * draws.uniform(ball.x0) - 1, 0))
        else:
            direction = ball.direction(draws.normal(ball.x0))
        x = ball.project(ball.x0 + ball.radius * direction)
        radius = ball.radius[:, 0, 0, 0]
        low, high = torch.full_like(radius, -torch.inf), torch.full_like(radius, torch.inf)
        none, halved = torch.zeros_like(radius), torch.ones_like(radius, dtype=torch.bool)
        return State(x, _Memory(x, x, torch.zeros_like(x), low, high, none, 2 * radius, low, halved))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        x, grad = state.x, seen.grads[:, 0]
        memory = _looked(_Memory(*state.memory), x, grad, seen.values[:, 0])
        if seen.step in self.checkpoints:
            place = self.checkpoints.index(seen.step)
            moves = seen.step - (self.checkpoints[place - 1] if place else 0)
            memory = _checked(memory, moves)
            x = torch.where(per_image(memory.halved), memory.best, x)
            grad = torch.where(per_image(memory.halved), memory.best_grad, grad)
        direction = grad.sign() if self.norm == "linf" else unit(grad)
        moved = ball.project(x + per_image(memory.step_size) * direction)
        if seen.step:
            moved = ball.project(x + PULL * (moved - x) + (1 - PULL) * (x - memory.last))
        return State(moved, memory._replace(last=x))

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        return _Memory(*state.memory).best, state.x

    @cached_property
    def checkpoints(self) -> tuple[int, ...]:
        """Numbers of moves, by the paper's shares of the steps: 0.22, then 0.03 less each time, but at least 0.06."""
        percent, gap = 22, 22
        found = []
        while percent < 100:
            found.append(-(-percent * self.steps // 100))
            gap = max(gap - 3, 6)
            percent += gap
        return tuple(dict.fromkeys(found))

    def describe(self) -> str:
        radius = radius_or_usual(self.epsilon, self.norm)
        tries = f", {self.restarts} restarts" if self.restarts > 1 else ""
        return (
            f"{self.words}: {radius_words(radius, self.norm)}, {self.steps} steps of sizes that it chooses, "
            f"from a random point at the radius{tries}"
        )


def _looked(memory: _Memory, x: Tensor, grad: Tensor, loss: Tensor) -> _Memory:
    """Book what was seen at x."""
    better = loss > memory.best_loss
    return memory._replace(
        best=torch.where(per_image(better), x, memory.best),
        best_grad=torch.where(per_image(better), grad, memory.best_grad),
        best_loss=torch.where(better, loss, memory.best_loss),
        loss=loss,
        rises=memory.rises + (loss > memory.loss),
    )


def _checked(memory: _Memory, moves: int) -> _Memory:
    """Halve step sizes at a checkpoint, `moves` after the one before."""
    few = memory.rises <= RISES * moves
    idle = ~memory.halved & (memory.best_loss <= memory.checked_loss)
    halved = few | idle
    return memory._replace(
        rises=torch.zeros_like(memory.rises),
        step_size=torch.where(halved, memory.step_size / 2, memory.step_size),
        checked_loss=memory.best_loss,
        halved=halved,
    )
