"""Damage both heads at once: another decision and another mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.leave_decision import LeaveDecision
from xaiaudit.attacks.criteria.lower_dice import LowerDice
from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.tensors import Flags, Outputs, Rows, Scores

# Of 1, 3.3, 10 and 33, tried on a multi-task ResNet-50: at 1 the decision, which turns more easily, still takes most
# of the pull when it has long been left; from 10 on the steps swing between the heads.
SHARPNESS = 4.0


@dataclass(frozen=True, eq=False)
class Joint(NamedCriterion):
    """The decision is left and the Dice score of the mask falls below the limit, in one image.

    Each head's distance from its goal is measured in its own scale: the clean lead of the decision (one logit at
    least) and the clean mask logits on the reference. The loss is -log(exp(4 a) + exp(4 b)) / 4 of these distances a
    and b: its gradient is their mean gradient where both are as far, and turns to the head that lags behind, so that
    neither drowns the other, nor goes on for its own sake once its goal is reached.
    """

    decision: LeaveDecision
    mask: LowerDice
    scale: Scores = field(init=False)  # (n,) of the decision, in logits
    name: ClassVar[str] = "joint"
    needs: ClassVar[frozenset[str]] = LowerDice.needs
    parameters: ClassVar[Mapping[str, Any]] = LowerDice.parameters

    def __post_init__(self) -> None:
        everything = torch.arange(len(self.decision.clean), device=self.decision.clean.device)
        clean = self.decision.margins(Outputs(self.decision.clean), everything).amin(1)
        object.__setattr__(self, "scale", clean.clamp(min=1))

    @property
    def applicable(self) -> Flags:
        return self.mask.applicable

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        LowerDice.check(parameters, classes)

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return LowerDice.requires(parameters)

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        return f"{LeaveDecision.words({})} and {LowerDice.words(parameters)}"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "Joint":
        return cls(LeaveDecision.of(clean, {}), LowerDice.of(clean, parameters))

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        decision = -self.decision.loss(out, rows) / self.scale[rows]
        mask = self.mask.scaled_margins(out, rows)[:, 0]
        apart = SHARPNESS * torch.stack((decision, mask.to(decision)), 1)
        return -torch.logsumexp(apart, 1) / SHARPNESS

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1): the distance of the head that is farther from its goal, in its own scale."""
        decision = self.decision.margins(out, rows).amin(1) / self.scale[rows]
        mask = self.mask.scaled_margins(out, rows)[:, 0]
        return torch.maximum(decision, mask.to(decision))[:, None]

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        return self.decision.reached(out, rows) & self.mask.reached(out, rows)
