"""The region proposal network of Ren et al. 2017 on one shared map, with torchvision's parts."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from xaiaudit.models.detection.targets import Target

RATIOS = (0.5, 1.0, 2.0)  # of an anchor's height to its width
SIZES = 5  # each twice the one before


class Proposals(RegionProposalNetwork):  # type: ignore[misc] # torchvision has no types
    """Shared map to boxes that may hold a lesion, the likeliest first, the same number of them at most for every image.

    Thresholds are those of Ren et al. 2017: an anchor is a lesion from IoU 0.7 on, or where it is a lesion's best, and
    background below 0.3; of 256 anchors an image, half may be lesions; suppression at IoU 0.7.

    Args:
        width: channels of the shared map.
        smallest: side of the smallest anchor in input pixels; the others double it, five sizes in all.
        train, test: proposals kept an image.
    """

    def __init__(self, width: int, *, smallest: int, train: int = 300, test: int = 100) -> None:
        anchors = AnchorGenerator((tuple(smallest * 2**power for power in range(SIZES)),), (RATIOS,))
        super().__init__(
            anchors,
            RPNHead(width, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=256,
            positive_fraction=0.5,
            pre_nms_top_n={"training": 2000, "testing": 1000},
            post_nms_top_n={"training": train, "testing": test},
            nms_thresh=0.7,
        )

    def of(
        self, images: Tensor, shared: Tensor, targets: Sequence[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Boxes (p, 4) of each image, without a gradient, and in training the losses of objectness and boxes."""
        sizes = [(images.shape[2], images.shape[3])] * len(images)
        given = None if targets is None else [dict(target) for target in targets]
        boxes, losses = self(ImageList(images, sizes), {"0": shared}, given)
        return [_or_whole(found, images) for found in boxes], losses


def _or_whole(boxes: Tensor, images: Tensor) -> Tensor:
    """An image of which nothing is proposed is looked at as a whole: it too must get a decision."""
    return boxes if len(boxes) else whole(images.shape[2:]).to(boxes)


def whole(size: Sequence[int]) -> Tensor:
    """The box (1, 4) of a whole image of that size, (h, w)."""
    return torch.tensor([[0.0, 0.0, size[1], size[0]]])
