"""The outside of every gradient attack: the call with its radii, and its description in words."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import torch

from xaiaudit.attacks.ball import per_image
from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.checks import check_inputs, check_radius
from xaiaudit.attacks.engine import Problem, run
from xaiaudit.attacks.search import Search
from xaiaudit.attacks.seeds import default_seeds
from xaiaudit.errors import UsageError
from xaiaudit.tensors import AttackResult, Images, Model, Valid


@runtime_checkable
class GradientAttack(Search, Protocol):
    """A frozen dataclass of hyperparameters becomes an attack (`base.Attack`) by naming this protocol.

    Images of float64 are searched in float64, to compare with other implementations; results keep the kind.
    """

    supports_radii: ClassVar[bool] = True

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """What the field calls it."""
        ...

    @property
    def step_size(self) -> float | None: ...

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
    ) -> AttackResult:
        """See `base.Attack`. The radii are attacked in ascending order; the result keeps the order given.

        With `to_goal`, an image that is broken at one radius counts as broken at the larger ones: it lies in
        their balls, and nothing is spent on it again. Without, each radius is a run of its own.

        Raises:
            UsageError: images outside [0, 1], shapes that do not fit, a model in training mode, bad radii.
        """
        check_inputs(model, images, valid, seeds)
        if radii and not self.supports_radii:
            raise UsageError(
                f"the radius of {self.name} is fixed by its definition; use fgsm for other radii"
            )
        for radius in radii:
            check_radius("radius", radius, self.norm)
        if seeds is None:
            seeds = default_seeds(images) if self.random_start else ()
        with torch.inference_mode(False), torch.enable_grad():
            # a clone, because tensors made in inference mode cannot take part in a backward pass
            x0 = images.detach().clone()
            problem = Problem(model, criterion, x0, valid, seeds, to_goal)
            return self._sweep(problem, radii) if radii else run(self, problem)

    def _sweep(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        results: dict[int, AttackResult] = {}
        found: AttackResult | None = None
        for place in sorted(range(len(radii)), key=radii.__getitem__):
            if self.epsilon is None:
                # One search serves all radii; what it cost is booked at the smallest.
                whole = run(self, problem) if found is None else replace(found, **_nothing_spent(found))
                found, results[place] = whole, within(whole, problem.x0, radii[place])
            else:
                known = found if problem.to_goal else None
                found = results[place] = run(replace(cast(Any, self), epsilon=radii[place]), problem, known)
        return stacked([results[place] for place in range(len(radii))])

    def describe(self) -> str:
        """One line in words, with radii in grey levels."""
        if self.epsilon is None or self.step_size is None:
            raise NotImplementedError(f"{self.name} describes itself")
        start = "a random point of the ball" if self.random_start else "the clean image"
        count = f"{self.steps} steps" if self.steps > 1 else "one step"
        tries = f", {self.restarts} restarts" if self.restarts > 1 else ""
        norm, where = {"linf": ("L∞", ""), "l2": ("L2", " over all pixels")}[self.norm]
        radius = f"{grey(self.epsilon)} grey levels{where} ({self.epsilon:.4g} of full scale)"
        return (
            f"{self.words}: {norm} radius {radius}, {count} of {grey(self.step_size)} grey levels, "
            f"from {start}{tries}"
        )


def grey(radius: float) -> str:
    """A radius in grey levels of 0 to 255, as text."""
    return f"{255 * radius:.4g}"


def within(result: AttackResult, x0: Images, radius: float) -> AttackResult:
    """What a minimum-norm attack found in one ball: where it lies outside, the clean image and no success."""
    inside = result.reached & (result.distance <= radius)
    return replace(
        result,
        images=torch.where(per_image(inside), result.images, x0),
        reached=inside,
        distance=torch.where(inside, result.distance, 0),
    )


def stacked(results: Sequence[AttackResult]) -> AttackResult:
    """One result with a leading axis of radii."""
    names = [field.name for field in fields(AttackResult)]
    return AttackResult(**{name: torch.stack([getattr(r, name) for r in results]) for name in names})


def _nothing_spent(result: AttackResult) -> dict[str, Any]:
    zero = torch.zeros_like(result.forwards)
    return {"forwards": zero, "backwards": zero}
