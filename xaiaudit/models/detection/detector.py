"""What detectors have in common: shared map, proposals, regions, boxes, one decision and one mask an image."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.detection.drawn import draw, margins, pasted
from xaiaudit.models.detection.proposals import Proposals
from xaiaudit.models.detection.shared_map import SharedMap
from xaiaudit.models.detection.targets import Target
from xaiaudit.models.detection.veto import veto
from xaiaudit.tensors import Boxes

CLASSES = 2  # benign and malignant: the veto speaks of no others


@dataclass(frozen=True, eq=False)
class Regions:
    """What the heads say of the r regions of one image."""

    boxes: Tensor  # (r, k, 4), for each class
    class_logits: Tensor  # (r, 1 + k), the background's first
    masks: Tensor | None = None  # (r, k, u, v) probabilities, where they come before the class


class Detector(nn.Module):
    """(n, c, h, w) to {"logits": (n, 1), "mask": (n, 1, h, w), "boxes": Boxes of each image}.

    The logit is that of the malignant veto, and gradients pass through it to the features of the region that decides;
    as in torchvision, none passes through the places of proposals.

    Args:
        shared: up to the map on which regions are proposed.
        smallest_anchor: see `Proposals`.
    """

    cam_layer = "shared"

    def __init__(self, shared: SharedMap, *, smallest_anchor: int) -> None:
        super().__init__()
        self.shared = shared
        self.proposals = Proposals(shared.width, smallest=smallest_anchor)

    def forward(self, images: Tensor) -> dict[str, Any]:
        shared = self.shared(images)
        proposals, _ = self.proposals.of(images, shared)
        size = (images.shape[2], images.shape[3])
        regions = self.regions(shared, proposals, size)
        odds = [margins(found.class_logits) for found in regions]
        drawn = [draw(found.boxes, own, size) for found, own in zip(regions, odds, strict=True)]
        boxes = tuple(own for own, _ in drawn)
        rows = [own for _, own in drawn]
        masks = self.masks(shared, regions, boxes, rows, size)
        pictures = [pasted(own, found, size) for own, found in zip(masks, boxes, strict=True)]
        return {"logits": veto(odds), "mask": torch.stack(pictures), "boxes": boxes}

    @abstractmethod
    def regions(self, shared: Tensor, proposals: list[Tensor], size: tuple[int, int]) -> list[Regions]:
        """What the heads say of the proposals of each image; fewer regions than proposals may be left."""

    @abstractmethod
    def masks(
        self,
        shared: Tensor,
        regions: Sequence[Regions],
        drawn: Sequence[Boxes],
        rows: Sequence[Tensor],
        size: tuple[int, int],
    ) -> list[Tensor]:
        """Of each image the (b, u, v) mask probabilities of its boxes, each of the box's class; `rows` are the regions
        that the boxes came from."""

    @abstractmethod
    def head_losses(
        self, shared: Tensor, proposals: list[Tensor], targets: Sequence[Target], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Of class, box and mask."""

    def losses(self, images: Tensor, targets: Sequence[Target], *, heads: bool = True) -> dict[str, Tensor]:
        """In training mode: objectness and rpn_box of the proposals, class, box and mask of the heads, scalars.

        Without `heads` of the proposals alone. Draws the anchors and regions that it learns from by torch's random
        state.

        Raises:
            ValueError: not in training mode, where proposals have no loss.
        """
        if not self.training:
            raise ValueError("a detector has losses in training mode alone; call net.train() first")
        shared = self.shared(images)
        proposals, own = self.proposals.of(images, shared, targets)
        found = {"objectness": own["loss_objectness"], "rpn_box": own["loss_rpn_box_reg"]}
        size = (images.shape[2], images.shape[3])
        return found | (self.head_losses(shared, proposals, targets, size) if heads else {})

    @property
    def heads(self) -> list[nn.Module]:
        """All but the shared map and the proposals."""
        return [module for name, module in self.named_children() if name not in ("shared", "proposals")]


def check_classes(logits: int) -> None:
    """Raises UsageError for classes that the veto does not know. Of two classes, the registry asks for one logit."""
    if logits != 1:
        raise UsageError(
            f"a detector decides between benign and malignant lesions, got {logits} logits; images without a lesion "
            "are background, no class"
        )
