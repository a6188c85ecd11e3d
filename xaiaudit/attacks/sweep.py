"""Several radii at once: at which is each image first reached, with as few runs as that takes.

An image that is reached at one radius is reached at every larger one, with the same adversarial image, as it lies in
those balls too. An image on which the attack failed at one radius is not tried at smaller ones, unless no radius at
all was enough. So an image costs about one run that fails and one that succeeds, however many the radii; one that
nothing breaks costs a run at each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from xaiaudit.attacks.ball import distance, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.engine import HALF_A_GREY_LEVEL, Problem, first_order, run, survivable
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.search import Search
from xaiaudit.tensors import AttackResult, Flags, Images, Rows

SLACK = 1 + 1e-6  # a result may leave its ball by a rounding
NONE = -1


def sweep(
    search: Search, problem: Problem, radii: Sequence[float], known: AttackResult | None = None
) -> AttackResult:
    """The attack at each radius, in their order; every field gains a leading axis.

    Without `to_goal` each radius is a run of its own. With it, what is found at one radius is used at the others.

    Args:
        search: one for the smallest perturbation is run once; it counts where its result lies in the ball.
        radii: in any order.
        known: what another attack found at the same radii; this one then only looks for less, and its result tells
            only what it found itself. It begins just below the smallest radius that was reached before, or at the
            largest.
    """
    if search.minimal:
        return _minimal(search, problem, radii, known)
    if not problem.to_goal:
        everything = problem.everything
        return stacked([run(search, problem, everything, at(problem.x0, radius)) for radius in radii])
    order = sorted(range(len(radii)), key=radii.__getitem__)
    chart = _Chart(problem, search, [radii[place] for place in order], order, known)
    if known is None:
        chart.guess_first()
    while len(rows := (places := chart.ahead()).ge(0).nonzero()[:, 0]):
        chart.book(rows, places[rows], run(search, problem, rows, chart.radii[places[rows]]))
    return chart.result([order.index(place) for place in range(len(radii))])


def _minimal(
    search: Search, problem: Problem, radii: Sequence[float], known: AttackResult | None
) -> AttackResult:
    rows = problem.everything if known is None else (~known.reached[_smallest(radii)]).nonzero()[:, 0]
    found = spread(run(search, problem, rows, None), rows, problem)
    return at_each(found, problem.x0, radii, search.norm)


def at_each(found: AttackResult, x0: Images, radii: Sequence[float], norm: Norm) -> AttackResult:
    """One search for the smallest perturbation, counted at each radius; what it cost is booked at the smallest."""
    least = _smallest(radii)
    results = [within(found, x0, radius, norm) for radius in radii]
    return stacked(
        [result if place == least else nothing_spent(result) for place, result in enumerate(results)]
    )


def _smallest(radii: Sequence[float]) -> int:
    return min(range(len(radii)), key=radii.__getitem__)


def spread(result: AttackResult, rows: Rows, problem: Problem) -> AttackResult:
    """The result of some rows as one of the whole batch; the others have their clean images and no success."""
    n = len(problem.x0)
    if len(rows) == n:
        return result

    def placed(values: Tensor, rest: Tensor | None = None) -> Tensor:
        whole = values.new_zeros(n, *values.shape[1:]) if rest is None else rest.clone()
        return whole.index_copy(0, rows, values)

    rounded = None if result.stored is None else placed(result.stored, quantise(problem.x0))
    return AttackResult(
        images=placed(result.images, problem.x0),
        reached=placed(result.reached),
        distance=placed(result.distance),
        forwards=placed(result.forwards),
        backwards=placed(result.backwards),
        failed=placed(result.failed),
        stored=rounded,
        survived=None if result.survived is None else placed(result.survived),
    )


def at(x0: Images, radius: float) -> Tensor:
    """(n,) the same radius for all images."""
    return torch.full((len(x0),), radius, dtype=x0.dtype, device=x0.device)


def within(result: AttackResult, x0: Images, radius: float, norm: Norm) -> AttackResult:
    """What a minimum-norm attack found in one ball: where it lies outside, the clean image and no success.

    A rounded image may lie outside by as much as rounding can do, half a grey level a pixel: but no farther, as one
    that the search went on for until something survived.
    """
    inside = result.reached & (result.distance <= radius)
    kept = replace(
        result,
        images=torch.where(per_image(inside), result.images, x0),
        reached=inside,
        distance=torch.where(inside, result.distance, 0),
    )
    if result.stored is None or result.survived is None:
        return kept
    pixels = x0[0].numel() if norm == "l2" else 1
    reach = (radius + HALF_A_GREY_LEVEL * pixels**0.5) * SLACK
    near = inside & result.survived & (distance(result.stored, x0, norm) <= reach)
    stored = torch.where(per_image(near), result.stored, quantise(kept.images))
    return replace(kept, stored=stored, survived=near)


def nothing_spent(result: AttackResult) -> AttackResult:
    """The same, its passes booked elsewhere."""
    zero = torch.zeros_like(result.forwards)
    return replace(result, forwards=zero, backwards=zero)


def stacked(results: Sequence[AttackResult]) -> AttackResult:
    """One result with a leading axis of radii."""
    parts: dict[str, Any] = {}
    for field in fields(AttackResult):
        values = [getattr(result, field.name) for result in results]
        parts[field.name] = None if any(value is None for value in values) else torch.stack(values)
    return AttackResult(**parts)


def only(result: AttackResult, place: int) -> AttackResult:
    """The result at one of the radii, without their axis."""
    parts: dict[str, Any] = {}
    for field in fields(AttackResult):
        value = getattr(result, field.name)
        parts[field.name] = None if value is None else value[place]
    return AttackResult(**parts)


@dataclass
class _Found:
    """The smallest radius that one goal was reached at, by index, and what was found there."""

    images: Tensor  # (R, n, c, h, w): at each radius tried, the best
    first: Tensor  # (n,) int64, R where none
    bound: Tensor  # (n,) int64: what others reached; only smaller radii are tried

    def book(self, rows: Tensor, places: Tensor, images: Tensor, first: Tensor) -> None:
        fresh = places < self.first[rows]  # elsewhere a witness stands, of a run at a larger radius
        self.images[places[fresh], rows[fresh]] = images[fresh]
        better = first < self.first[rows]
        self.images[first[better], rows[better]] = images[better]
        self.first[rows] = torch.where(better, first, self.first[rows])

    def at(self, place: int) -> tuple[Tensor, Flags]:
        """The image at that radius: of the smallest that was reached, if there is one. Whether there is."""
        reached = self.first <= place
        smallest = self.first.clamp(max=len(self.images) - 1)
        witness = self.images[smallest, torch.arange(len(smallest), device=smallest.device)]
        return torch.where(per_image(reached), witness, self.images[place]), reached


class _Chart:
    """What is known of each image at each radius, ascending, while it is being searched."""

    def __init__(
        self,
        problem: Problem,
        search: Search,
        radii: Sequence[float],
        order: Sequence[int],
        known: AttackResult | None,
    ) -> None:
        self.problem, self.search = problem, search
        x0 = problem.x0
        self.radii = torch.tensor(radii, dtype=x0.dtype, device=x0.device)
        n, count = len(x0), len(radii)
        self.tried = torch.zeros(count, n, dtype=torch.bool, device=x0.device)
        self.failed = self.tried.clone()
        self.forwards = torch.zeros(count, n, dtype=torch.int64, device=x0.device)
        self.backwards = self.forwards.clone()
        none = torch.full((n,), count, device=x0.device)
        self.guess = none - 1
        self.raw = _Found(_copies(x0, count), none.clone(), none.clone())
        self.stored = None
        self.floor = 0  # rounding gives the clean image back at radii below this one
        if problem.stored:
            self.stored = _Found(_copies(quantise(x0), count), none.clone(), none.clone())
            self.floor = int((~survivable(search.norm, self.radii)).sum())
        if known is not None:
            self.raw.bound = _first(known.reached[list(order)])
            if self.stored is not None and known.survived is not None:
                self.stored.bound = _first(known.survived[list(order)])

    def guess_first(self) -> None:
        """Begin where the linearised model says; the search goes on from there either way."""
        count = len(self.radii)
        if count == 1:
            return
        if not self.search.gradients:
            self.guess.fill_(count // 2)
            return
        applicable = self.problem.criterion.applicable
        rows = self.problem.everything if applicable is None else applicable.nonzero()[:, 0]
        if not len(rows):
            return
        length, forwards, backwards = first_order(self.problem, rows, self.search.norm)
        length = length.nan_to_num(nan=float(self.radii[count // 2]))
        places = torch.searchsorted(self.radii, length.contiguous()).clamp(max=count - 1)
        self.guess[rows] = places
        self.forwards[places, rows] += forwards
        self.backwards[places, rows] += backwards

    def ahead(self) -> Tensor:
        """(n,) the radius to try next, by index; -1 where all is known."""
        tried, guesses = self.tried.T.tolist(), self.guess.tolist()
        applicable = self.problem.criterion.applicable
        allowed = [True] * len(tried) if applicable is None else applicable.tolist()
        raw = torch.minimum(self.raw.first, self.raw.bound).tolist()
        places = [
            _next(first, done, guess, 0, fallback=True) if may else NONE
            for first, done, guess, may in zip(raw, tried, guesses, allowed, strict=True)
        ]
        if self.stored is not None:
            stored = torch.minimum(self.stored.first, self.stored.bound).tolist()
            for row, place in enumerate(places):
                if place == NONE and allowed[row]:
                    start = guesses[row] if raw[row] == len(self.radii) else min(guesses[row], raw[row])
                    places[row] = _next(stored[row], tried[row], start, self.floor, fallback=False)
        return torch.tensor(places, dtype=torch.int64, device=self.tried.device)

    def book(self, rows: Tensor, places: Tensor, result: AttackResult) -> None:
        self.tried[places, rows] = True
        self.failed[places, rows] = result.failed
        self.forwards[places, rows] += result.forwards
        self.backwards[places, rows] += result.backwards
        count = len(self.radii)
        needed = torch.searchsorted(self.radii.double() * SLACK, result.distance.double())
        first = torch.where(result.reached, torch.minimum(needed, places), count)
        self.raw.book(rows, places, result.images, first)
        if self.stored is not None and result.stored is not None and result.survived is not None:
            self.stored.book(rows, places, result.stored, torch.where(result.survived, places, count))

    def result(self, back: Sequence[int]) -> AttackResult:
        return stacked([self._at(place) for place in back])

    def _at(self, place: int) -> AttackResult:
        images, reached = self.raw.at(place)
        found = AttackResult(
            images=images,
            reached=reached,
            distance=distance(images, self.problem.x0, self.search.norm),
            forwards=self.forwards[place],
            backwards=self.backwards[place],
            failed=self._failed(place) & ~reached,
        )
        if self.stored is None:
            return found
        stored, survived = self.stored.at(place)
        rounded = torch.where(per_image(survived), stored, quantise(images))
        return replace(found, stored=rounded, survived=survived)

    def _failed(self, place: int) -> Tensor:
        """Of a radius that was not tried, what was seen at the next larger one that was."""
        failed = self.failed[-1]
        for larger in range(len(self.radii) - 1, place - 1, -1):
            failed = torch.where(self.tried[larger], self.failed[larger], failed)
        return failed


def _next(first: int, tried: Sequence[bool], guess: int, floor: int, fallback: bool) -> int:
    """Below the smallest that was reached; else from the guess upwards, and then, with `fallback`, downwards."""
    if first < len(tried):
        below = first - 1
        return below if below >= floor and not tried[below] else NONE
    start = max(guess, floor)
    candidates = [*range(start, len(tried)), *(range(start - 1, floor - 1, -1) if fallback else ())]
    return next((place for place in candidates if not tried[place]), NONE)


def _first(reached: Tensor) -> Tensor:
    """(R, n) bool to (n,) the first true one, R where none."""
    found: Tensor = torch.where(reached.any(0), reached.int().argmax(0), len(reached))
    return found


def _copies(x: Tensor, count: int) -> Tensor:
    return x[None].repeat(count, *(1,) * x.ndim)
