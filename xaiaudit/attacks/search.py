"""What an attack adds to the engine: hyperparameters, a start, and the mathematics of one step."""

from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.seeds import Draws


class State(NamedTuple):
    """The iterates of a search, and what it carries from step to step (a sum, momentum and the like)."""

    x: Tensor  # (m, c, h, w)
    memory: tuple[Tensor, ...] = ()  # each (m, c, h, w)

    def take(self, kept: Tensor) -> "State":
        return State(self.x[kept], tuple(part[kept] for part in self.memory))

    def where(self, chosen: Tensor, other: "State") -> "State":
        """This state for the chosen images, (m,) bool, the other one for the rest."""
        chosen = per_image(chosen)
        pairs = zip(self.memory, other.memory, strict=True)
        memory = tuple(torch.where(chosen, mine, its) for mine, its in pairs)
        return State(torch.where(chosen, self.x, other.x), memory)


class Seen(NamedTuple):
    """What one forward and backward at the iterates says of the objective, of which an image has j values."""

    values: Tensor  # (m, j)
    grads: Tensor  # (m, j, c, h, w), zero where not valid
    reached: Tensor  # (m,) bool, as the search sees it; only the judging forward counts

    def take(self, kept: Tensor) -> "Seen":
        return self._replace(values=self.values[kept], grads=self.grads[kept], reached=self.reached[kept])


@runtime_checkable
class Search(Protocol):
    """An attack as the engine sees it. `step` never asks the device for a number."""

    restarts: int = 1
    random_start: ClassVar[bool] = False
    objective: ClassVar[Literal["loss", "margins"]] = (
        "loss"  # of the criterion: to raise, or to bring to zero
    )

    @property
    def norm(self) -> Norm: ...

    @property
    def epsilon(self) -> float | None:
        """None: the smallest perturbation is looked for, so an image leaves when it reaches its goal."""
        ...

    @property
    def steps(self) -> int: ...

    def start(self, ball: Ball, draws: Draws) -> State:
        """Where to begin: the clean images, unless the attack says otherwise."""
        return State(ball.x0)

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        """The next iterates, inside the ball."""
        ...
