"""What every attack and every criterion looks like from outside."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor

from xaiaudit.tensors import AttackResult, Flags, Images, Model, Outputs, Rows, Scores, Valid

Norm = Literal["linf", "l2"]


@runtime_checkable
class Criterion(Protocol):
    """What an attack is after, per image. `rows` index the batch that the attack started with.

    Built from the clean outputs; never keeps the model. An attack may drop images and call with fewer rows.
    """

    @property
    def needs(self) -> frozenset[str]:
        """Of: gradient, features, mask_logits, boxes."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Whose feature maps `loss`, `margins` and `reached` want in `Outputs.features`."""
        ...

    @property
    def applicable(self) -> Flags | None:
        """(n,) of the whole batch: images that have such a goal; the others are left alone. None: all have."""
        ...

    @property
    def may_hold_already(self) -> bool:
        """Clean images may have reached the goal; they then count as reached, whatever an attack makes of them."""
        ...

    @property
    def inner_backwards(self) -> int:
        """Passes back that each of `loss`, `margins` and `reached` makes by itself, within the network; mostly 0."""
        ...

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        """(m,) to raise, independent between images, so that the gradient of its sum is each image's own."""
        ...

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, j) signed distances in score, positive while not reached, zero on the boundary."""
        ...

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        """(m,) the goal holds."""
        ...


class Guarded(Criterion, Protocol):
    """A goal under a condition, for searches that weigh the two against each other."""

    def guarded(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 2): what to raise, and by how much the condition holds (in logits; negative where it does not).

        It makes `inner_backwards` too.
        """
        ...


@runtime_checkable
class Attack(Protocol):
    """A frozen dataclass of hyperparameters, callable. All radii in [0, 1] intensities.

    Args:
        model: callable from images to `Outputs`; frozen, in eval mode.
        images: clean, (n, c, h, w), in [0, 1].
        criterion: what to reach.
        valid: real pixels, (n, 1, h, w), or of each channel (n, c, h, w); the attack leaves the others alone.
            None: all are real.
        seeds: one a image, for attacks that draw; None: from the image's own bytes. Never from the batch.
        radii: attack at each of these radii in place of the attack's own; every field of the result then
            gains a leading axis. A minimum-norm attack counts at a radius if its result lies in that ball.
        to_goal: stop an image as soon as its criterion is reached, and let it leave the batch. Otherwise
            every step is taken and success is judged on the final image.
        stored: also look for images on the 8-bit grid that reach it; the result then has `stored` and `survived`.
        judge: decides what was reached, where `model` is a faster one to search on; None: the same.
    """

    @property
    def name(self) -> str:
        """In the registry."""
        ...

    @property
    def norm(self) -> Norm:
        """Of the ball and of the distances."""
        ...

    @property
    def epsilon(self) -> float | None:
        """Radius; None where the attack looks for the smallest perturbation instead."""
        ...

    @property
    def steps(self) -> int: ...

    @property
    def step_size(self) -> float | None:
        """In effect at `epsilon`; None where the attack chooses it at every step."""
        ...

    @property
    def random_start(self) -> bool: ...

    @property
    def supports_radii(self) -> bool:
        """False where the radius is fixed by the definition, so that `radii` is an error."""
        ...

    @property
    def always_to_goal(self) -> bool:
        """`to_goal` changes nothing, so that a call with radii says all that one without would."""
        ...

    def describe(self) -> str:
        """One line in words, with radii in grey levels."""
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
    ) -> AttackResult: ...
