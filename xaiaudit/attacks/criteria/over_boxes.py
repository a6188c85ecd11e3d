"""What the goals against a detector have in common: log-odds of boxes, and how boxes overlap."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.errors import NumericalError, UsageError
from xaiaudit.functional import logit
from xaiaudit.tensors import Boxes, Flags, Outputs, Rows, Scores

NOTHING = -20.0  # log-odds that stand for a box that is not there: a score of 2e-9


class OverBoxes(NamedCriterion):
    """A goal of scores and overlaps; the loss is minus the margin, in log-odds, so that sure boxes have a gradient.

    Gradients pass through the scores of boxes, not through their places. The goal is judged on the boxes as the
    detector draws them, after suppression.
    """

    score: float
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "boxes"})
    parameters: ClassVar[Mapping[str, Any]] = {"score": float, "iou": float}

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        super().check(parameters, classes)
        for name in cls.parameters:
            value = parameters.get(name, getattr(cls, name))
            if not (isfinite(value) and 0 < value < 1):
                raise UsageError(
                    f"{name} must lie between 0 and 1, got {value:g}; {getattr(cls, name):g} is usual"
                )

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"boxes"})

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        return -self.margins(out, rows)[:, 0]

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1), in log-odds."""
        each = [self.margin(boxes, int(row)) for boxes, row in zip(drawn(out), rows, strict=True)]
        return torch.stack(each)[:, None] if each else out.logits.new_zeros(0, 1)

    def margin(self, boxes: Boxes, row: int) -> Tensor:
        """A scalar: positive while the goal is not reached on this image."""
        raise NotImplementedError

    def holds(self, boxes: Boxes, row: int) -> bool:
        """The goal is reached on this image."""
        raise NotImplementedError

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        """Judged on scores and places. Boxes that are not finite never count."""
        found = [
            _finite(boxes) and self.holds(boxes, int(row))
            for boxes, row in zip(drawn(out), rows, strict=True)
        ]
        flags = torch.tensor(found, dtype=torch.bool, device=out.logits.device)
        return flags if self.applicable is None else flags & self.applicable[rows]

    @property
    def least(self) -> float:
        """Log-odds from which on a box counts."""
        return logit(self.score)


def drawn(out: Outputs) -> tuple[Boxes, ...]:
    """Raises UsageError where the model draws none."""
    if out.boxes is None:
        raise UsageError("the model draws no boxes, so there is none to hide, move or invent")
    return out.boxes


def clean_boxes(clean: CleanFacts) -> tuple[Boxes, ...]:
    """Likewise, of the clean images; also raises NumericalError where they are not finite."""
    if clean.boxes is None:
        raise UsageError(
            "the model draws no boxes, so there is none to hide, move or invent; use another criterion"
        )
    broken = sum(not _finite(boxes) for boxes in clean.boxes)
    if broken:
        raise NumericalError(
            f"the model draws boxes that are not finite on {broken} of {len(clean.boxes)} clean images; "
            "check the checkpoint, or leave these images out"
        )
    return clean.boxes


def likeliest(margins: Tensor) -> Tensor:
    """A scalar; NOTHING of no box, with a gradient of zero, as others of the batch have boxes or not."""
    return margins.max() if len(margins) else margins.sum() + NOTHING


def _finite(boxes: Boxes) -> bool:
    return bool(boxes.margin.isfinite().all() & boxes.xyxy.isfinite().all())


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union (a, b) of boxes (a, 4) and (b, 4); 0 of boxes without an area."""
    low = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    union = area(boxes)[:, None] + area(others)[None] - shared
    return torch.where(union > 0, shared / union.clamp(min=torch.finfo(union.dtype).tiny), 0.0)


def area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
