"""Move a detector's box away from where it was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.named import CleanFacts
from xaiaudit.attacks.criteria.over_boxes import OverBoxes, clean_boxes, likeliest, overlap
from xaiaudit.tensors import Boxes, Flags


@dataclass(frozen=True, eq=False)
class Move(OverBoxes):
    """The likeliest box has a score of at least `score`, and overlaps the clean likeliest box by less than `iou`.

    An image in which no clean box has that score has no such goal. Where no box has it under attack, the box is hidden,
    not moved.
    """

    clean: tuple[Boxes, ...]  # of the batch that will be attacked
    score: float = 0.5
    iou: float = 0.2
    drew: Flags = field(init=False)
    name: ClassVar[str] = "move"

    def __post_init__(self) -> None:
        there = [bool((boxes.margin >= self.least).any()) for boxes in self.clean]
        device = self.clean[0].xyxy.device if self.clean else None
        object.__setattr__(self, "drew", torch.tensor(there, dtype=torch.bool, device=device))

    @property
    def applicable(self) -> Flags:
        return self.drew

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        score, iou = (parameters.get(name, getattr(cls, name)) for name in ("score", "iou"))
        moved = f"has a score of {score:g} or more and an IoU under {iou:g} with the clean one"
        return f"move the box: the likeliest {moved}"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "Move":
        return cls(clean_boxes(clean), **parameters)

    def margin(self, boxes: Boxes, row: int) -> Tensor:
        """A box elsewhere must count, and be likelier than every box that is still there."""
        far, near = self._far_and_near(boxes, row)
        return near.clamp(min=self.least) - far

    def holds(self, boxes: Boxes, row: int) -> bool:
        far, near = self._far_and_near(boxes, row)
        return bool((far >= self.least) & (far > near))

    def _far_and_near(self, boxes: Boxes, row: int) -> tuple[Tensor, Tensor]:
        """Log-odds of the likeliest box that is elsewhere, and of the likeliest that is still there."""
        elsewhere = self._elsewhere(boxes, row)
        return likeliest(boxes.margin[elsewhere]), likeliest(boxes.margin[~elsewhere])

    def _elsewhere(self, boxes: Boxes, row: int) -> Tensor:
        clean = self.clean[row]
        if not len(clean.margin):
            return torch.ones_like(boxes.margin, dtype=torch.bool)
        was = clean.xyxy[clean.margin.argmax()][None]
        away: Tensor = overlap(boxes.xyxy.detach(), was.to(boxes.xyxy))[:, 0] < self.iou
        return away
