"""What the self-checks saw of a subset of the images, in plain values. No torch."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from xaiaudit.records import Record

Gradient = Literal["usable", "zero", "not finite"]
Flags = list[bool]  # one an image


class ModelFacts(Record):
    """How the model behaves where nothing is searched."""

    decisions: list[int]  # class index of each clean image
    drift: list[
        float | None
    ]  # largest change of a logit when asked again, as `model_facts.drift`; None: not finite
    one_output: bool  # the network gives one number an image, read as [0, z]
    squashed: bool | None = None  # its last step is a sigmoid or softmax; None: not looked
    lowest: float | None  # over all logits of clean, inverted and noise images; None: some are not finite
    highest: float | None
    sums: tuple[float, float] | None  # smallest and largest sum of an image's logits
    gradients: list[Gradient]  # of the criterion's loss to the real pixels of each clean image


class AttackFacts(Record):
    """How many of the images an attack reaches, by independent runs to the goal."""

    ran: str  # name of what was run; of `worst`, a member
    norm: Literal["linf", "l2"]
    pixels: int  # of an image, so that an L2 radius can be told in grey levels
    kind: Literal["ball", "single", "fixed", "minimal", "none"]  # see `scope.kind`
    steps: int
    radii: list[float] = Field(default_factory=list)  # tried, rising, in [0, 1] intensities
    reach: float | None = None  # that all steps together can go; None: as far as the radius allows
    reached: list[Flags] = Field(default_factory=list)  # at each radius
    at: int | None = (
        None  # radius of the comparisons below, by index; None: no rate lets anything be compared
    )
    twice: Flags | None = None  # with twice the steps; None: not run
    single: Flags | None = None  # with a single step
    noise: Flags | None = None  # random noise of the same norm
    noise_draws: int | None = None
    square: Flags | None = None  # Square Attack, on the first images only; in L2 in the cube inside the ball
    square_queries: int | None = None


class Facts(Record):
    """Of one subset of the images."""

    model: ModelFacts
    attacks: dict[str, AttackFacts]  # by id; without radii where the model does not repeat itself

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return self.model_dump(mode="json")


def read_facts(plain: Mapping[str, Any]) -> Facts:
    """What `Facts.plain` gave."""
    return Facts.model_validate(plain)
