"""Hide the lesion from a detector: no box that counts is left on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.named import CleanFacts
from xaiaudit.attacks.criteria.over_boxes import OverBoxes, clean_boxes, likeliest, overlap
from xaiaudit.tensors import Boxes, Flags


@dataclass(frozen=True, eq=False)
class Hide(OverBoxes):
    """No box with a score of at least `score`, of whatever class, overlaps a true box by more than `iou`.

    Of an image with several lesions all are to be hidden. An image without a lesion, or of whose lesions the detector
    finds none when clean, has no such goal.
    """

    clean: tuple[Boxes, ...]  # of the batch that will be attacked
    lesions: tuple[Tensor, ...]  # true boxes (b, 4) of each image
    score: float = 0.5
    iou: float = 0.2
    found: Flags = field(init=False)
    name: ClassVar[str] = "hide"

    def __post_init__(self) -> None:
        there = [not self.holds(boxes, row) for row, boxes in enumerate(self.clean)]
        device = self.clean[0].xyxy.device if self.clean else None
        object.__setattr__(self, "found", torch.tensor(there, dtype=torch.bool, device=device))

    @property
    def applicable(self) -> Flags:
        return self.found

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"boxes", "outlines"})

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        score, iou = (parameters.get(name, getattr(cls, name)) for name in ("score", "iou"))
        return f"hide the lesion: no box of a score of {score:g} or more overlaps it by an IoU above {iou:g}"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "Hide":
        boxes = clean_boxes(clean)
        lesions = clean.lesions or tuple(own.xyxy.new_zeros(0, 4) for own in boxes)
        return cls(boxes, lesions, **parameters)

    def margin(self, boxes: Boxes, row: int) -> Tensor:
        return likeliest(boxes.margin[self._on_lesion(boxes, row)]) - self.least

    def holds(self, boxes: Boxes, row: int) -> bool:
        return not bool((boxes.margin[self._on_lesion(boxes, row)] >= self.least).any())

    def _on_lesion(self, boxes: Boxes, row: int) -> Tensor:
        on_it: Tensor = (overlap(boxes.xyxy.detach(), self.lesions[row].to(boxes.xyxy)) > self.iou).any(1)
        return on_it
