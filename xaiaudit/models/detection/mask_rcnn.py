"""Mask R-CNN (He et al. 2017) by torchvision's heads, on the shared map and proposals of FT-MTL-Net: its rival on equal
terms. Boxes are refined for each class, and the class comes before the mask.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import MultiScaleRoIAlign

from xaiaudit.models.detection.detector import CLASSES, Detector, Regions, check_classes
from xaiaudit.models.detection.ft_mtl import LESIONS
from xaiaudit.models.detection.shared_map import SharedMap
from xaiaudit.models.detection.targets import Target
from xaiaudit.tensors import Boxes

HIDDEN = 1024  # units of either layer of the box head, as in torchvision
POOLED, MASK_POOLED = 7, 14  # side of a region's features


def mask_rcnn(
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    backbone: str = "resnet50",
    smallest_anchor: int = 32,
    regions: int = 64,
    mask_width: int = 256,
) -> nn.Module:
    """A `MaskRCNN` whose shared map is of the registry's `backbone`, with these weights; arguments as `ft_mtl_net`'s.

    Raises:
        UsageError: a backbone that does not do, or more than two classes.
    """
    check_classes(classes)
    shared = SharedMap(backbone, channels, weights)
    return MaskRCNN(shared, smallest_anchor=smallest_anchor, regions=regions, mask_width=mask_width)


class MaskRCNN(Detector):
    """See `Detector`."""

    def __init__(self, shared: SharedMap, *, smallest_anchor: int, regions: int, mask_width: int) -> None:
        super().__init__(shared, smallest_anchor=smallest_anchor)
        self.roi = RoIHeads(
            MultiScaleRoIAlign(["0"], POOLED, sampling_ratio=2),
            TwoMLPHead(shared.width * POOLED**2, HIDDEN),
            FastRCNNPredictor(HIDDEN, 1 + CLASSES),
            0.5, 0.5, regions, LESIONS, (10.0, 10.0, 5.0, 5.0), 0.0, 0.5, 1,
            MultiScaleRoIAlign(["0"], MASK_POOLED, sampling_ratio=2),
            MaskRCNNHeads(shared.width, (mask_width,) * 4, 1),
            MaskRCNNPredictor(mask_width, mask_width, 1 + CLASSES),
        )  # fmt: skip

    def regions(self, shared: Tensor, proposals: list[Tensor], size: tuple[int, int]) -> list[Regions]:
        pooled = self.roi.box_roi_pool({"0": shared}, proposals, [size] * len(proposals))
        logits, deltas = self.roi.box_predictor(self.roi.box_head(pooled))
        counts = [len(boxes) for boxes in proposals]
        boxes = self.roi.box_coder.decode(deltas.detach(), proposals)[:, 1:]
        return [
            Regions(own, found) for own, found in zip(boxes.split(counts), logits.split(counts), strict=True)
        ]

    def masks(
        self,
        shared: Tensor,
        regions: Sequence[Regions],
        drawn: Sequence[Boxes],
        rows: Sequence[Tensor],
        size: tuple[int, int],
    ) -> list[Tensor]:
        pooled = self.roi.mask_roi_pool({"0": shared}, [boxes.xyxy for boxes in drawn], [size] * len(drawn))
        of_all = self.roi.mask_predictor(self.roi.mask_head(pooled)).sigmoid()
        counts = [len(boxes.label) for boxes in drawn]
        return [
            own[range(len(own)), 1 + boxes.label]
            for own, boxes in zip(of_all.split(counts), drawn, strict=True)
        ]

    def head_losses(
        self, shared: Tensor, proposals: list[Tensor], targets: Sequence[Target], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """torchvision's own."""
        given = [dict(target) for target in targets]
        _, losses = self.roi({"0": shared}, proposals, [size] * len(proposals), given)
        return {
            "class": losses["loss_classifier"],
            "box": losses["loss_box_reg"],
            "mask": losses["loss_mask"],
        }
