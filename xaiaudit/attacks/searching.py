"""The outside of every attack that the engine runs: the call with its radii, and its description in words."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import torch

from xaiaudit.attacks.base import Criterion, Norm
from xaiaudit.attacks.checks import check_inputs, check_radius
from xaiaudit.attacks.engine import Problem, run
from xaiaudit.attacks.search import Search
from xaiaudit.attacks.sweep import at, sweep, within
from xaiaudit.errors import UsageError
from xaiaudit.seeds import default_seeds
from xaiaudit.tensors import AttackResult, Images, Model, Valid


@runtime_checkable
class SolvingAttack(Protocol):
    """A frozen dataclass of hyperparameters becomes an attack (`base.Attack`) by naming this protocol and `solve`.

    Images of float64 are searched in float64, to compare with other implementations; results keep the kind.
    """

    always_to_goal: ClassVar[bool] = False

    @property
    def name(self) -> str: ...

    @property
    def norm(self) -> Norm: ...

    @property
    def epsilon(self) -> float | None: ...

    @property
    def step_size(self) -> float | None: ...

    @property
    def random_start(self) -> bool:
        """Draws, at the start or later."""
        ...

    @property
    def supports_radii(self) -> bool:
        return True

    @property
    def without_radii(self) -> str:
        """What there is to say to radii where they are not supported."""
        return f"the radius of {self.name} is fixed by its definition; use fgsm for other radii"

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        """The attack at each radius, or at its own where none is given."""
        ...

    def __call__(
        self,
        model: Model,
        images: Images,
        criterion: Criterion,
        *,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
        radii: Sequence[float] = (),
        to_goal: bool = False,
        stored: bool = False,
        judge: Model | None = None,
    ) -> AttackResult:
        """See `base.Attack`. The radii may stand in any order, which the result keeps.

        With `to_goal`, an image that is broken at one radius counts as broken at the larger ones, and one that is
        not is not tried at smaller ones (`sweep`). Without, each radius is a run of its own.

        Raises:
            UsageError: images outside [0, 1], shapes that do not fit, a model in training mode, bad radii.
        """
        check_inputs(model, images, valid, seeds)
        if radii and not self.supports_radii:
            raise UsageError(self.without_radii)
        for radius in radii:
            check_radius("radius", radius, self.norm)
        if seeds is None:
            seeds = default_seeds(images) if self.random_start else ()
        if valid is not None and bool(valid.all()):
            valid = None  # nothing to leave alone
        with torch.inference_mode(False), torch.enable_grad():
            # a clone, because tensors made in inference mode cannot take part in a backward pass
            x0 = images.detach().clone()
            problem = Problem(model, judge or model, criterion, x0, valid, seeds, to_goal, stored)
            return self.solve(problem, radii)


@runtime_checkable
class SearchAttack(Search, SolvingAttack, Protocol):
    """An attack that the engine runs: it names this protocol and adds `step`, and `start` where it needs one."""

    @property
    def words(self) -> str:
        """What the field calls it."""
        ...

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        if radii:
            return sweep(self, problem, radii)
        if self.epsilon is None:
            return run(self, problem, problem.everything, None)
        if self.minimal:
            found = run(self, problem, problem.everything, None)
            return within(found, problem.x0, self.epsilon, self.norm)
        return run(self, problem, problem.everything, at(problem.x0, self.epsilon))

    def describe(self) -> str:
        """One line in words, with radii in grey levels."""
        if self.epsilon is None or self.step_size is None:
            raise NotImplementedError(f"{self.name} describes itself")
        start = "a random point of the ball" if self.random_start else "the clean image"
        count = f"{self.steps} steps" if self.steps > 1 else "one step"
        tries = f", {self.restarts} restarts" if self.restarts > 1 else ""
        return (
            f"{self.words}: {radius_words(self.epsilon, self.norm)}, {count} of {grey(self.step_size)} grey levels, "
            f"from {start}{tries}"
        )


def radius_words(epsilon: float, norm: Norm) -> str:
    """A radius for `describe`: norm, grey levels, share of the full scale."""
    name, where = {"linf": ("L∞", ""), "l2": ("L2", " over all pixels")}[norm]
    levels = grey(epsilon)
    unit = "grey level" if levels == "1" else "grey levels"
    return f"{name} radius {levels} {unit}{where} ({epsilon:.4g} of full scale)"


def grey(radius: float) -> str:
    """A radius in grey levels of 0 to 255, as text."""
    return f"{255 * radius:.4g}"
