"""What an attack adds to the engine: hyperparameters, a start, and the mathematics of one step."""

from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.base import Norm
from xaiaudit.seeds import Draws

Objective = Literal["loss", "margins", "guarded"]


class State(NamedTuple):
    """The iterates of a search, and what it carries from step to step (a sum, momentum, a step size)."""

    x: Tensor  # (m, c, h, w)
    memory: tuple[Tensor, ...] = ()  # each (m, ...)
    done: Tensor | None = None  # (m,) bool: images whose search has ended of itself
    draws: Draws | None = None  # of searches that draw in their steps

    def take(self, kept: Tensor) -> "State":
        return State(
            self.x[kept],
            tuple(part[kept] for part in self.memory),
            None if self.done is None else self.done[kept],
            None if self.draws is None else self.draws.take(kept),
        )

    def where(self, chosen: Tensor, other: "State") -> "State":
        """This state for the chosen images, (m,) bool, the other one for the rest."""
        pairs = zip((self.x, *self.memory), (other.x, *other.memory), strict=True)
        x, *memory = (torch.where(_like(chosen, mine), mine, its) for mine, its in pairs)
        return self._replace(x=x, memory=tuple(memory))


class Seen(NamedTuple):
    """What one forward and backward at the iterates says of the objective, of which an image has j values."""

    values: Tensor  # (m, j)
    grads: Tensor  # (m, j, c, h, w), zero where not valid; empty (m, 0, c, h, w) where none are wanted
    reached: Tensor  # (m,) bool, as the search sees it; only the judging forward counts
    step: int  # how many were made before

    def take(self, kept: Tensor) -> "Seen":
        return self._replace(values=self.values[kept], grads=self.grads[kept], reached=self.reached[kept])


@runtime_checkable
class Search(Protocol):
    """An attack as the engine sees it. `step` never asks the device for a number."""

    restarts: int = 1
    random_start: ClassVar[bool] = False  # or draws in its steps
    # of the criterion: to raise, to bring to zero, or to raise while something else is kept (`base.Guarded`)
    objective: ClassVar[Objective] = "loss"
    gradients: ClassVar[bool] = True  # False: the search only looks at values
    # Looks for the smallest perturbation, in the whole box; counts at a radius if it lies in that ball.
    minimal: ClassVar[bool] = False
    leaves: ClassVar[bool] = False  # minimal, and an image leaves at the first success

    @property
    def norm(self) -> Norm: ...

    @property
    def epsilon(self) -> float | None:
        """Radius; None where none is asked for."""
        ...

    @property
    def steps(self) -> int:
        """As its paper counts them."""
        ...

    @property
    def looks(self) -> int:
        """At most so many looks at each image in one restart; of most attacks, one a step."""
        return self.steps

    def wants_gradients(self, step: int) -> bool:
        """Whether the look after so many others is for gradients; else it costs a forward alone."""
        return self.gradients

    def start(self, ball: Ball, draws: Draws) -> State:
        """Where to begin: the clean images, unless the attack says otherwise."""
        return State(ball.x0)

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        """The next iterates, inside the ball."""
        ...

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        """Images to be judged at the end, (m, c, h, w) each: the first success counts, else the highest loss.

        Those after the first success are not looked at.
        """
        return (state.x,)


def _like(chosen: Tensor, values: Tensor) -> Tensor:
    """(m,) flags shaped to choose among (m, ...)."""
    return chosen.view(-1, *(1,) * (values.ndim - 1))
