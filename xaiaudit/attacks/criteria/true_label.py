"""Be wrong: the criterion of robust accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.lead import lead
from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.functional import decision, logit
from xaiaudit.tensors import Flags, Labels, Outputs, Rows, Scores


@dataclass(frozen=True, eq=False)
class TrueLabel(NamedCriterion):
    """The decision differs from the true label. An image that is wrong when clean has reached it already.

    What is not reached is robust accuracy (Croce & Hein 2020, arXiv:2003.01690). The loss is that of
    `LeaveDecision`, with the label in the place of the clean decision. An image without a label has no such goal.

    Raises:
        ValueError: a threshold outside (0, 1).
    """

    labels: Labels  # (n,) class index, -1 for none
    threshold: float = 0.5
    name: ClassVar[str] = "true-label"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    may_hold_already: ClassVar[bool] = True

    def __post_init__(self) -> None:
        logit(self.threshold)

    @property
    def applicable(self) -> Flags:
        return self.labels >= 0

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"labels"})

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        return "decide against the true label"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "TrueLabel":
        return cls(clean.labels, clean.threshold)

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return torch.logsumexp(-self.margins(out, rows), 1)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, k - 1): how far the true label leads each other class."""
        return lead(out.logits, self.labels[rows].clamp(min=0), self.threshold)

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        wrong: Tensor = decision(out.logits, self.threshold) != self.labels[rows]
        return wrong & self.applicable[rows]
