"""Leave the clean decision: what the field calls untargeted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.lead import lead
from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.errors import NumericalError
from xaiaudit.functional import decision, logit
from xaiaudit.tensors import Flags, Labels, Logits, Outputs, Rows, Scores


@dataclass(frozen=True, eq=False)
class LeaveDecision(NamedCriterion):
    """The decision differs from the clean one: "untargeted".

    The loss is log(sum over other classes j of exp(z_j - z_c)) of the clean decision c. Cross-entropy against
    c is softplus of it, so both have the same direction of steepest ascent everywhere; but this one does not
    die in saturated logits. For two classes it is the negative signed margin at the operating threshold.

    Raises:
        ValueError: a threshold outside (0, 1).
        NumericalError: clean logits that are not finite, so that there is no decision to leave.
    """

    clean: Logits  # of the batch that will be attacked
    threshold: float = 0.5  # operating threshold, of two classes
    decision: Labels = field(init=False)
    name: ClassVar[str] = "leave-decision"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    applicable: ClassVar[None] = None

    def __post_init__(self) -> None:
        logit(self.threshold)
        broken = int((~self.clean.isfinite()).any(1).sum())
        if broken:
            raise NumericalError(
                f"the model gives non-finite logits for {broken} of {len(self.clean)} clean images; "
                "they have no decision to leave: check the checkpoint, or leave these images out"
            )
        object.__setattr__(self, "decision", decision(self.clean, self.threshold))

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        return "leave the clean decision"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "LeaveDecision":
        return cls(clean.logits, clean.threshold)

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return torch.logsumexp(-self.margins(out, rows), 1)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, k - 1): how far the clean decision leads each other class."""
        return lead(out.logits, self.decision[rows], self.threshold)

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        left: Tensor = decision(out.logits, self.threshold) != self.decision[rows]
        return left
