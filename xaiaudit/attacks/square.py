"""The square attack: a random search that asks for nothing but outputs."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.searching import SearchAttack, radius_words
from xaiaudit.errors import UsageError
from xaiaudit.seeds import Draws

# After so many of 10,000 queries, the share of the pixels that a square covers is halved.
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
DRAWN_AT_ONCE = 100  # queries


class _Memory(NamedTuple):
    """What is known of each image, (m, ...)."""

    best: Tensor  # (m, c, h, w)
    loss: Tensor  # (m,) there
    frame: Tensor  # (m, 4) int64: rows top to bottom and columns left to right that hold the real pixels, half-open
    drawn: Tensor  # (m, DRAWN_AT_ONCE, 2 + c), uniform in [0, 1): row, column and signs of the coming squares


@dataclass(frozen=True, kw_only=True)
class Square(SearchAttack):
    """The square attack in the L-inf ball, without gradients. Andriushchenko et al. 2020, arXiv:1912.00049.

    Begins with vertical stripes of +-epsilon. Then at each query a square at a random place goes to +epsilon or to
    -epsilon, one sign a channel, and stays there if the loss rises. The squares become smaller by the schedule of
    the paper. Padding is left out of account: the image is the rectangle of its real pixels.
    """

    epsilon: float = 8 / 255  # L-inf radius, in [0, 1] intensities
    queries: int = 5000
    p_init: float = 0.8  # share of the pixels that the first squares cover
    name: ClassVar[str] = "square"
    words: ClassVar[str] = "square attack"
    norm: ClassVar[Norm] = "linf"
    step_size: ClassVar[None] = None
    gradients: ClassVar[bool] = False
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("queries", self.queries)
        if not 0 < self.p_init <= 1:
            raise UsageError(f"p_init must lie above 0 and at most at 1, got {self.p_init:g}")

    @property
    def steps(self) -> int:
        return self.queries

    def start(self, ball: Ball, draws: Draws) -> State:
        stripes = draws.uniform(ball.x0[:, :, :1]) < 0.5
        x = torch.where(stripes, ball.low, ball.high)
        loss = torch.full_like(x[:, 0, 0, 0], -torch.inf)
        drawn = x.new_zeros(len(x), DRAWN_AT_ONCE, 2 + x.shape[1])
        return State(x, _Memory(ball.x0, loss, _frame(ball.valid), drawn), draws=draws)

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        known = _Memory(*state.memory)
        loss = seen.values[:, 0]
        rose = loss > known.loss
        best = torch.where(per_image(rose), state.x, known.best)
        drawn = known.drawn
        place = seen.step % DRAWN_AT_ONCE
        if place == 0 and state.draws is not None:
            drawn = state.draws.uniform(drawn)
        known = _Memory(best, torch.where(rose, loss, known.loss), known.frame, drawn)
        window = _window(drawn[:, place, :2], known.frame, self.share(seen.step), best)
        x = _painted(best, window, drawn[:, place, 2:] < 0.5, ball)
        return state._replace(x=x, memory=known)

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        return (_Memory(*state.memory).best,)

    def share(self, query: int) -> float:
        """Of the pixels, that the square drawn after so many queries covers."""
        of_ten_thousand = query * 10_000 // self.queries
        halvings = sum(of_ten_thousand > after for after in HALVINGS)
        return self.p_init * 0.5**halvings

    def describe(self) -> str:
        return (
            f"{self.words}: {radius_words(self.epsilon, self.norm)}, {self.queries} queries, "
            f"first squares {100 * self.p_init:.4g} % of the pixels, from random stripes, no gradients"
        )


def _frame(valid: Tensor) -> Tensor:
    """(m, 4) first row and the one after the last, first column and the one after the last, that hold real pixels."""
    sides = []
    for across in (3, 2):
        held = valid[:, 0].any(across - 1)  # (m, h), then (m, w)
        first, last = held.int().argmax(1), held.shape[1] - held.flip(1).int().argmax(1)
        sides += [first, last]
    return torch.stack(sides, 1)


def _window(at: Tensor, frame: Tensor, share: float, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Images, rows and columns, as indices that broadcast to (m, s, s), of a square of that share of the frame.

    It lies anywhere in it, by `at`, (m, 2) uniform in [0, 1). All have the s of the largest there can be; of a smaller
    one, the last row and column stand more than once.
    """
    height, width = x.shape[2:]
    most = min(height, width, max(1, round((share * height * width) ** 0.5)))
    start, end = frame[:, ::2], frame[:, 1::2]  # (m, 2): of rows, of columns
    size = end - start
    side = (share * size.prod(1, keepdim=True)).sqrt().round().long().clamp(1, most)
    side = torch.minimum(side, size.amin(1, keepdim=True))
    first = start + (at * (size - side + 1)).long()
    within = torch.minimum(torch.arange(most, device=x.device), side - 1)  # (m, s)
    rows, columns = first[:, :1] + within, first[:, 1:] + within
    return torch.arange(len(x), device=x.device)[:, None, None], rows[:, :, None], columns[:, None]


def _painted(best: Tensor, window: tuple[Tensor, Tensor, Tensor], low: Tensor, ball: Ball) -> Tensor:
    """`best` with the window at the lower or the upper bound; at the other one where that would change nothing.

    `low`: (m, c) bool.
    """
    images, rows, columns = window
    now, lowest, highest = (
        part[images, :, rows, columns] for part in (best, ball.low, ball.high)
    )  # (m, s, s, c)
    low = low[:, None, None]
    idle = (torch.where(low, lowest, highest) == now).all(3).all(2).all(1)[:, None, None, None]
    x = best.clone()
    x[images, :, rows, columns] = torch.where(low ^ idle, lowest, highest)
    return x
