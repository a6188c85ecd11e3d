"""Reach a target class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.lead import lead
from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.attacks.registry import nearest
from xaiaudit.errors import UsageError
from xaiaudit.functional import decision, logit
from xaiaudit.tensors import Flags, Labels, Outputs, Rows, Scores


@dataclass(frozen=True, eq=False)
class TargetClass(NamedCriterion):
    """The decision is the target class, one an image. An image that is there already has reached it.

    Cross-entropy against the target is softplus of the negative loss.

    Raises:
        ValueError: a threshold outside (0, 1).
    """

    target: Labels
    threshold: float = 0.5
    name: ClassVar[str] = "target-class"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    may_hold_already: ClassVar[bool] = True
    applicable: ClassVar[None] = None
    parameters: ClassVar[Mapping[str, Any]] = {"class": str}

    def __post_init__(self) -> None:
        logit(self.threshold)

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        super().check(parameters, classes)
        if "class" not in parameters:
            raise UsageError("target-class needs the class to reach; e.g. target-class:class=malignant")
        if classes is not None:
            class_index(str(parameters["class"]), classes)

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        return f"reach the decision {parameters['class']}"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "TargetClass":
        target = class_index(str(parameters["class"]), clean.classes)
        return cls(torch.full_like(clean.labels, target), clean.threshold)

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return -torch.logsumexp(-lead(out.logits, self.target[rows], self.threshold), 1)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1): how far the strongest other class leads the target."""
        return -lead(out.logits, self.target[rows], self.threshold).amin(1, keepdim=True)

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        arrived: Tensor = decision(out.logits, self.threshold) == self.target[rows]
        return arrived


def class_index(text: str, classes: Sequence[str]) -> int:
    """Where the class stands, by its name or, where no class is called so, by its number from 0.

    Raises:
        UsageError: neither.
    """
    if text in classes:
        return list(classes).index(text)
    if text.isdecimal() and int(text) < len(classes):
        return int(text)
    raise UsageError(f"the model has no class {text!r}; {nearest(text, list(classes))}")
