"""A search for the smallest perturbation, of which only some radii are asked: it ends where they are settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, distance
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.search import Objective, Search, Seen, State
from xaiaudit.seeds import Draws

WINDOW = 10  # looks over which the pace is taken
NEAR = 1.1  # times the radius


@dataclass(frozen=True, kw_only=True)
class Hurried(Search):
    """`search`, left by images for which going on would settle no further radius.

    That is: by those whose nearest witness lies within the smallest radius, and by those that would not come near
    the next smaller radius even if they went on to the end at the pace of the last ten looks. Such searches slow
    down as they converge, so the pace promises more than will come; near means a tenth beyond, which is more than
    what is done to the witness at the end can bring.
    """

    search: Search
    radii: tuple[float, ...]  # ascending
    objective: ClassVar[Objective] = "margins"
    minimal: ClassVar[bool] = True

    @property
    def norm(self) -> Norm:
        return self.search.norm

    @property
    def epsilon(self) -> None:
        return None

    @property
    def steps(self) -> int:
        return self.search.steps

    @property
    def looks(self) -> int:
        return self.search.looks

    def wants_gradients(self, step: int) -> bool:
        return self.search.wants_gradients(step)

    def start(self, ball: Ball, draws: Draws) -> State:
        state = self.search.start(ball, draws)
        never = torch.full_like(ball.x0[:, 0, 0, 0], torch.inf, dtype=torch.float64)
        return state._replace(memory=(*state.memory, never, never), done=_none(state, never))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        *own, nearest, before = state.memory
        length = distance(state.x, ball.x0, self.norm)
        nearest = torch.where(seen.reached, torch.minimum(nearest, length), nearest)
        moved = self.search.step(state._replace(memory=tuple(own)), seen, ball)
        done = _none(moved, nearest) | (nearest <= self.radii[0])
        if (seen.step + 1) % WINDOW == 0:
            promised = nearest - (before - nearest) * ((self.looks - seen.step) / WINDOW)
            done = done | (before.isfinite() & (promised > NEAR * self._next_smaller(nearest)))
            before = nearest
        return moved._replace(memory=(*moved.memory, nearest, before), done=done)

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        return self.search.finalists(state._replace(memory=state.memory[:-2]), ball)

    def _next_smaller(self, nearest: Tensor) -> Tensor:
        """(m,) the largest radius below, 0 where there is none."""
        found = torch.zeros_like(nearest)
        for radius in self.radii:
            found = torch.where(nearest > radius, radius, found)
        return found


def hurried(search: Search, radii: Sequence[float]) -> Search:
    """The search itself where it ends at its first success anyway, or looks for no smallest perturbation."""
    walks = search.minimal and not search.leaves and search.objective == "margins" and search.gradients
    once = search.restarts == 1 and not search.random_start
    return Hurried(search=search, radii=tuple(sorted(radii))) if walks and once else search


def _none(state: State, like: Tensor) -> Tensor:
    return torch.zeros_like(like, dtype=torch.bool) if state.done is None else state.done
