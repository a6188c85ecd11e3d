"""What a criterion adds to `base.Criterion` so that it can be asked for by name, before and with the clean outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.registry import unknown_parameter
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Labels, Logits, MaskLogits


@dataclass(frozen=True, kw_only=True, eq=False)
class CleanFacts:
    """What is known of the clean batch: what the model said of it, and the truth where there is one."""

    logits: Logits
    threshold: float  # operating threshold, of two classes
    classes: tuple[str, ...]  # in the order of the logits
    labels: Labels  # (n,) class index, -1 for none
    mask_logits: MaskLogits | None = None  # None: the model has no mask head
    outlines: Tensor | None = (
        None  # (n, 1, h, w) bool, the lesions as outlined; None: no image has an outline
    )
    has_outline: Tensor | None = None  # (n,) bool; an outline may be empty. None: every image has one


@runtime_checkable
class NamedCriterion(Criterion, Protocol):
    """A frozen dataclass becomes a criterion of the registry by naming this protocol.

    It is built from the clean outputs and knows only `Outputs`. One that looks at a saliency map instead of a head
    says so by "features" in `needs`, names them in `layers`, holds what it compares with (the clean map, a
    target map), and computes its loss from `out.features[layer]`, (m, c, u, v), which require a gradient and hang
    on the image: the engine asks the model for those layers. For Grad-CAM, the weights are the gradient of
    `out.class_score` to the features, taken with create_graph=True. `margins` may be a threshold on a distance of
    maps, minus that distance.
    """

    layers: ClassVar[tuple[str, ...]] = ()
    may_hold_already: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, Any]] = {}  # that one may choose, each with its type

    @property
    def name(self) -> str:
        """In the registry."""
        ...

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        """Raises UsageError for values that cannot be; `classes` None: not known yet."""
        for name in parameters:
            if name not in cls.parameters:
                raise UsageError(unknown_parameter(str(cls.name), name, list(cls.parameters)))

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        """Of: mask head, labels, outlines. Without them no image at all could be attacked."""
        return frozenset()

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        """The goal in words, for the report."""
        ...

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "NamedCriterion":
        """For one batch; the parameters have been checked."""
        ...
