"""Make a detector find a lesion where there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.named import CleanFacts
from xaiaudit.attacks.criteria.over_boxes import OverBoxes, clean_boxes, likeliest
from xaiaudit.tensors import Boxes, Flags


@dataclass(frozen=True, eq=False)
class Invent(OverBoxes):
    """A box of a score of at least `score` on an image without a lesion.

    An image with a lesion, or of which it is not known, has no such goal, nor one on which a clean box has that score.
    """

    clean: tuple[Boxes, ...]  # of the batch that will be attacked
    normal: Flags  # (n,) images that are known to show no lesion
    score: float = 0.5
    quiet: Flags = field(init=False)
    name: ClassVar[str] = "invent"
    parameters: ClassVar[Mapping[str, Any]] = {"score": float}

    def __post_init__(self) -> None:
        quiet = [not self.holds(boxes, row) for row, boxes in enumerate(self.clean)]
        found = torch.tensor(quiet, dtype=torch.bool, device=self.normal.device)
        object.__setattr__(self, "quiet", found & self.normal)

    @property
    def applicable(self) -> Flags:
        return self.quiet

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"boxes", "images without a lesion"})

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        score = parameters.get("score", cls.score)
        return f"invent a lesion: a box of a score of {score:g} or more where there is none"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "Invent":
        boxes = clean_boxes(clean)
        normal = clean.normal
        if normal is None:
            normal = torch.zeros(len(boxes), dtype=torch.bool, device=clean.logits.device)
        return cls(boxes, normal, **parameters)

    def margin(self, boxes: Boxes, row: int) -> Tensor:
        return self.least - likeliest(boxes.margin)

    def holds(self, boxes: Boxes, row: int) -> bool:
        return bool((boxes.margin >= self.least).any())
