"""What an attack is after: leaving the clean decision, or a target class."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from xaiaudit.errors import NumericalError
from xaiaudit.functional import decision, logit, margin
from xaiaudit.tensors import Flags, Labels, Logits, Outputs, Rows, Scores


@dataclass(frozen=True, eq=False)
class LeaveDecision:
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

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return torch.logsumexp(-self.margins(out, rows), 1)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, k - 1): how far the clean decision leads each other class."""
        return lead(out.logits, self.decision[rows], self.threshold)

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        left: Tensor = decision(out.logits, self.threshold) != self.decision[rows]
        return left


@dataclass(frozen=True, eq=False)
class TargetClass:
    """The decision is the target class, one an image. An image that is there already has reached it.

    Cross-entropy against the target is softplus of the negative loss.

    Raises:
        ValueError: a threshold outside (0, 1).
    """

    target: Labels
    threshold: float = 0.5
    name: ClassVar[str] = "target-class"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    applicable: ClassVar[None] = None

    def __post_init__(self) -> None:
        logit(self.threshold)

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return -torch.logsumexp(-lead(out.logits, self.target[rows], self.threshold), 1)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1): how far the strongest other class leads the target."""
        return -lead(out.logits, self.target[rows], self.threshold).amin(1, keepdim=True)

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        arrived: Tensor = decision(out.logits, self.threshold) == self.target[rows]
        return arrived


def lead(logits: Logits, label: Labels, threshold: float) -> Tensor:
    """(n, k - 1): by how much each image's `label` leads each other class, in logits.

    Two classes: the margin at the operating threshold, with its sign turned for class 0.
    """
    classes = logits.shape[1]
    if classes == 2:
        signed: Tensor = margin(logits, threshold) * (2 * label - 1).to(logits)
        return signed[:, None]
    others = (label[:, None] + torch.arange(1, classes, device=logits.device)) % classes
    return logits.gather(1, label[:, None]) - logits.gather(1, others)
