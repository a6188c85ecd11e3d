"""Tensor types with their shapes, and what a model and an attack give back. Needs torch alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

if TYPE_CHECKING or find_spec("jaxtyping"):
    from jaxtyping import Bool, Float, Int

    Images = Float[
        Tensor, "n c h w"
    ]  # B-mode intensities in [0, 1]; c is 1, 2 with an outline beside, or 3 for perturbations in colour
    Valid = Bool[
        Tensor, "n #c h w"
    ]  # real pixels; of one channel for all, or of each: none of what is no image
    Logits = Float[Tensor, "n k"]
    MaskLogits = Float[Tensor, "n 1 h w"]
    Labels = Int[Tensor, "n"]  # class index
    Rows = Int[Tensor, "m"]  # indices into the batch that an attack started with
    Scores = Float[Tensor, "m"]
    Flags = Bool[Tensor, "m"]
    Saliency = Float[Tensor, "n u v"]  # raw and unnormalised, on the layer's own grid
else:
    Images = Valid = Logits = MaskLogits = Labels = Rows = Scores = Flags = Saliency = Tensor


class Boxes(NamedTuple):
    """What a detector drew on one image, in input-grid pixels, half-open."""

    xyxy: Tensor  # (b, 4) x0, y0, x1, y1
    score: Tensor  # (b,) in [0, 1]
    label: Tensor  # (b,) class index
    margin: Tensor  # (b,) log-odds of the score, which gradients start from: scores near 1 have none


@dataclass(frozen=True)
class Outputs:
    """What a model says of a batch. `logits` are always image-level; `features` holds only layers asked for."""

    logits: Logits
    mask_logits: MaskLogits | None = None
    features: Mapping[str, Tensor] = field(default_factory=dict)  # layer -> (n, c, u, v)
    boxes: tuple[Boxes, ...] | None = None
    one_logit: bool = False  # logits are [0, z] of a sigmoid model

    def class_score(self, target: Labels) -> Scores:
        """The score that gradients of an explanation start from, one per image.

        A one-logit model has one score, z: it speaks for class 1 as z and for class 0 as -z. Every other
        model speaks with the logit of the class.
        """
        if self.one_logit:
            z = self.logits[:, 1] - self.logits[:, 0]
            return z * (2 * target - 1).to(z)
        return self.logits.gather(1, target[:, None])[:, 0]


@runtime_checkable
class Model(Protocol):
    """All that attacks and explainers know of a model: images in, outputs out."""

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs: ...


@dataclass(frozen=True)
class AttackResult:
    """What an attack reached. With `radii`, every field gains a leading axis, one entry a radius."""

    images: Tensor  # (n, c, h, w), float32 in [0, 1], equal to the clean images where not valid
    reached: Tensor  # (n,) bool: the criterion holds on `images`, judged in the model's full precision
    distance: Tensor  # (n,) of `images` from the clean ones, in the attack's norm, [0, 1] intensities
    forwards: Tensor  # (n,) int: forward passes that this image asked for
    backwards: Tensor  # (n,) int: backward passes that it asked for, one a gradient
    failed: Tensor  # (n,) bool: the attack could not go on (zero or non-finite gradient), counted apart
    stored: Tensor | None = None  # (n, c, h, w), on the 8-bit grid; only where it was asked for
    survived: Tensor | None = None  # (n,) bool: the criterion holds on `stored`
    applicable: Tensor | None = (
        None  # (n,) bool, of `map-shift`: there is a map to move; None: as the criterion says
    )
    broken_by: Tensor | None = None  # (n,) int64, of `worst`: which of its attacks reached it; -1: none
