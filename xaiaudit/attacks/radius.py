"""The smallest radius that an attack needs, by bisection, for each image its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from xaiaudit.attacks.apgd import APGD
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.engine import Problem, first_order, judge_rounded, run
from xaiaudit.attacks.pgd import PGD
from xaiaudit.attacks.searching import SolvingAttack, grey
from xaiaudit.attacks.sweep import at_each
from xaiaudit.attacks.tally import Tally, Verdict
from xaiaudit.errors import UsageError
from xaiaudit.tensors import AttackResult, Rows

FINE = 0.01 / 255  # a hundredth of a grey level: no bisection goes on below it


@dataclass(frozen=True, kw_only=True)
class SmallestRadius(SolvingAttack):
    """Bisection for the smallest L-inf radius, with an inner attack that is run to its goal at each radius tried.

    It begins where the linearised model puts the boundary, doubles until the inner attack succeeds or `largest` is
    reached, halves until it fails, then goes between, in the geometric mean. The upper end is the distance of the
    nearest witness, the lower end the largest radius that failed below it. It ends when they differ by less than
    `tolerance` of the lower, or by a hundredth of a grey level. The result is the witness; a radius below which
    nothing was found is no proof that nothing is there. With radii, a result counts where it lies in the ball.
    """

    inner: Literal["apgd", "pgd"] = "apgd"
    steps: int = 40  # of the inner attack, at each radius
    largest: float = 0.1  # radius, in [0, 1] intensities, beyond which is not looked
    tolerance: float = 0.05
    name: ClassVar[str] = "radius"
    norm: ClassVar[Norm] = "linf"
    epsilon: ClassVar[None] = None
    step_size: ClassVar[None] = None
    random_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_radius("largest", self.largest, self.norm)
        if not 0 < self.tolerance <= 1:
            raise UsageError(f"tolerance must lie in (0, 1], got {self.tolerance:g}; 0.05 is usual")

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        """`to_goal` changes nothing; images of radii that were tried on the way are not kept."""
        found = self._bisect(problem, problem.everything)
        return at_each(found, problem.x0, radii, self.norm) if radii else found

    def _bisect(self, problem: Problem, rows: Rows) -> AttackResult:
        applicable, x0 = problem.criterion.applicable, problem.x0[rows]
        tally = Tally(x0, None if applicable is None else applicable[rows], self.norm)
        length, some = x0.new_full((len(rows),), self.largest), tally.pending()
        if len(some):
            length[some], forwards, backwards = first_order(problem, rows[some], self.norm)
            tally.count(some, forwards, backwards)
        brackets = _Brackets.around(length, self.largest, self.tolerance, tally.applicable)
        inner = {"apgd": APGD, "pgd": PGD}[self.inner](steps=self.steps)
        quiet = problem._replace(to_goal=True, stored=False)
        while len(places := brackets.open.nonzero()[:, 0]):
            radii = brackets.radius[places]
            result = run(inner, quiet, rows[places], radii.to(x0))
            tally.forwards[places] += result.forwards
            tally.backwards[places] += result.backwards
            unknown = torch.zeros_like(tally.loss[places])
            verdict = Verdict(result.reached, unknown, ~unknown.bool())
            tally.offer(places, result.images, verdict, result.failed)
            brackets.book(places, result.reached, result.distance)
        if problem.stored:
            judge_rounded(problem, tally, rows)
        return tally.result(self.norm)

    def describe(self) -> str:
        return (
            f"bisection for the smallest L∞ radius, up to {grey(self.largest)} grey levels, to {self.tolerance:.0%}, "
            f"by {self.inner} with {self.steps} steps at each radius"
        )


@dataclass
class _Brackets:
    """For each image, the radii between which the smallest lies, and the one to try next; (m,), float64."""

    radius: Tensor
    low: Tensor
    high: Tensor  # infinite until there is a success
    open: Tensor  # bool: still searching
    largest: float
    tolerance: float

    @classmethod
    def around(cls, guess: Tensor, largest: float, tolerance: float, applicable: Tensor) -> "_Brackets":
        radius = guess.double().nan_to_num(nan=largest).clamp(max=largest)
        none = torch.zeros_like(radius)
        return cls(radius, none, none + torch.inf, applicable.clone(), largest, tolerance)

    def book(self, places: Tensor, reached: Tensor, distance: Tensor) -> None:
        tried, low, high = self.radius[places], self.low[places], self.high[places]
        high = torch.where(reached, torch.minimum(high, distance), high)
        low = torch.where(reached, low, torch.maximum(low, tried))
        close = high <= torch.maximum(low * (1 + self.tolerance), low + FINE)
        self.open[places] = ~(close | (low >= self.largest))
        upwards = (2 * tried).clamp(min=FINE, max=self.largest)
        between = torch.where(low > 0, (low * high).sqrt(), high / 2)
        self.radius[places] = torch.where(high.isinf(), upwards, between)
        self.low[places], self.high[places] = low, high
