"""What a criterion adds to `base.Criterion` so that it can be asked for by name, before and with the clean outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.registry import unknown_parameter
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Boxes, Flags, Labels, Logits, MaskLogits, Rows, Saliency


@runtime_checkable
class MapJudge(Protocol):
    """What counts as a move is the audit's to say: it knows regions and spacing, and has the one formula for it."""

    def defined(self, maps: Saliency, *, signed: bool) -> Flags:
        """(m,) the map has an extreme."""
        ...

    def moved(self, before: Saliency, after: Saliency, rows: Rows, *, signed: bool) -> Flags:
        """(m,) the map of these images moved, or vanished."""
        ...


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
    boxes: tuple[Boxes, ...] | None = None  # one an image; None: the model draws none
    lesions: tuple[Tensor, ...] | None = None  # true boxes (b, 4) of each image; of none known, b is 0
    normal: Tensor | None = None  # (n,) bool: known to show no lesion; None: no image is
    maps: MapJudge | None = None  # says what a move of a saliency map is; None: nobody asks


@runtime_checkable
class NamedCriterion(Criterion, Protocol):
    """A frozen dataclass becomes a criterion of the registry by naming this protocol.

    It is built from the clean outputs and knows only `Outputs`. Saliency maps are the business of the attack
    `map-shift` and its own goal, `shift_map`.
    """

    layers: ClassVar[tuple[str, ...]] = ()
    may_hold_already: ClassVar[bool] = False
    inner_backwards: ClassVar[int] = 0
    parameters: ClassVar[Mapping[str, Any]] = {}  # that one may choose, each with its type
    only_for: ClassVar[str | None] = None  # the one attack that can be after it; None: any attack

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
        """Of: mask head, labels, outlines, boxes, images without a lesion. Without them no image could be attacked."""
        return frozenset()

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        """The goal in words, for the report."""
        ...

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "NamedCriterion":
        """For one batch; the parameters have been checked."""
        ...
