"""The worst case over a set of attacks, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import radius_or_usual
from xaiaudit.attacks.engine import Problem
from xaiaudit.attacks.hurried import hurried
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.registry import ART_PREFIX, attack, parameters_of
from xaiaudit.attacks.searching import SearchAttack, SolvingAttack, radius_words
from xaiaudit.attacks.sweep import only, sweep
from xaiaudit.errors import UsageError
from xaiaudit.tensors import AttackResult


@dataclass(frozen=True, kw_only=True)
class WorstCase(SolvingAttack):
    """One attack after the other, the cheapest first, each only on what those before it did not break.

    The idea of evaluating by a set of unlike attacks is Croce & Hein's (2020, arXiv:2003.01690); this set suits
    models of few classes. All members share one norm and one radius; one that looks for the smallest perturbation
    counts if its result lies in that ball, and is left by images that it can no longer bring there (`Hurried`). It
    asks whether, not how far: members are always run to the goal, so `to_goal` changes nothing. With radii, an image
    that a member broke at one of them is only passed on for smaller ones.

    An image that none broke has failed if every member that follows gradients failed on it: a search that needs none
    tells of masked gradients where it succeeds, but vouches for nothing where it does not.
    """

    attacks: Sequence[str] = ("apgd", "fab", "square")  # names, in any order; also joined by +
    norm: Norm = "linf"
    epsilon: float | None = None  # radius, in [0, 1] intensities; None: 8/255, in L2 3.0
    name: ClassVar[str] = "worst"
    always_to_goal: ClassVar[bool] = True
    step_size: ClassVar[None] = None

    def __post_init__(self) -> None:
        names = self.attacks.split("+") if isinstance(self.attacks, str) else self.attacks
        object.__setattr__(self, "attacks", tuple(names))
        object.__setattr__(self, "epsilon", self._radius)
        if not self.attacks or len(set(self.attacks)) < len(self.attacks):
            raise UsageError(
                f"worst needs one or more different attacks, got {'+'.join(self.attacks) or 'none'}"
            )
        self._in_order()

    @property
    def members(self) -> tuple[str, ...]:
        """Names in the order in which they attack; `broken_by` counts them from 0."""
        return tuple(member.name for member in self._in_order())

    @property
    def steps(self) -> int:
        """Of all members together."""
        return sum(member.steps for member in self._in_order())

    @property
    def random_start(self) -> bool:
        return any(member.random_start for member in self._in_order())

    @property
    def _radius(self) -> float:
        return radius_or_usual(self.epsilon, self.norm)

    def _in_order(self) -> list[SearchAttack]:
        """The members, built; cheapest first, by the passes of a run to its end."""
        return sorted((self._member(name) for name in self.attacks), key=_price)

    def _member(self, name: str) -> SearchAttack:
        """Raises UsageError for an attack that cannot share norm, radius and engine with the others."""
        refused = f"{name} cannot be a member of worst; take attacks such as apgd, fab, square or pgd"
        if name.startswith(ART_PREFIX) or name == self.name:
            raise UsageError(refused)
        shared = {"norm": self.norm, "epsilon": self._radius}
        own = [key for key in shared if key in parameters_of(name)]
        norm = attack(name, **{key: shared[key] for key in own if key == "norm"}).norm
        if norm != self.norm:
            raise UsageError(
                f"{name} attacks in {norm} and worst in {self.norm}; choose other attacks=, or norm={norm}"
            )
        member = attack(name, **{key: shared[key] for key in own})
        if not isinstance(member, SearchAttack) or member.objective == "guarded":  # or its goal is its own
            raise UsageError(refused)
        if not member.supports_radii:
            raise UsageError(
                f"the radius of {name} is fixed by its definition, so it cannot be a member of worst"
            )
        return member

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        problem = problem._replace(to_goal=True)
        sought = radii or (self._radius,)
        first, *others = members = self._in_order()
        total = sweep(hurried(first, sought), problem, sought)
        broken_by, failed = torch.where(total.reached, 0, -1), [total.failed]
        for place, member in enumerate(others, 1):
            found = sweep(hurried(member, sought), problem, sought, total)
            broken_by = torch.where(found.reached & ~total.reached, place, broken_by)
            failed.append(found.failed)
            total = _joined(total, found)
        by_gradients = [each for each, member in zip(failed, members, strict=True) if member.gradients]
        failures = torch.stack(by_gradients or failed).all(0) & ~total.reached
        result = replace(total, failed=failures, broken_by=broken_by)
        return result if radii else only(result, 0)

    def describe(self) -> str:
        *others, last = [member.words for member in self._in_order()]
        joined = f"{', '.join(others)} and {last}" if others else last
        return (
            f"worst case of {joined}: {radius_words(self._radius, self.norm)}, each only on what those before it "
            "did not break"
        )


def _price(member: SearchAttack) -> int:
    """Passes through the model of a run to its end, with two classes."""
    return (member.looks * (1 + member.gradients) + 1) * member.restarts


def _joined(total: AttackResult, found: AttackResult) -> AttackResult:
    """What was found before stays."""
    fresh = _each(found.reached & ~total.reached)
    images = torch.where(fresh, found.images, total.images)
    stored, survived = _rounded(total, found, images)
    return AttackResult(
        images=images,
        reached=total.reached | found.reached,
        distance=torch.where(fresh[..., 0, 0, 0], found.distance, total.distance),
        forwards=total.forwards + found.forwards,
        backwards=total.backwards + found.backwards,
        failed=total.failed,
        stored=stored,
        survived=survived,
    )


def _rounded(
    total: AttackResult, found: AttackResult, images: Tensor
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """The images on the 8-bit grid and whether the goal holds there; elsewhere the images, rounded."""
    if total.stored is None or total.survived is None or found.stored is None or found.survived is None:
        return None, None
    stored = torch.where(_each(found.survived), found.stored, quantise(images.flatten(0, 1)).view_as(images))
    return torch.where(_each(total.survived), total.stored, stored), total.survived | found.survived


def _each(flags: Tensor) -> Tensor:
    """(R, n) to choose among (R, n, c, h, w)."""
    return flags[..., None, None, None]
