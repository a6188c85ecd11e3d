"""FT-MTL-Net of Gao, Yoon, Wu and Chu (Expert Systems with Applications 2020): detection, segmentation and
classification in one network, the features of segmentation handed on to the classifier. docs/models.md says what had to
be decided.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.roi_heads import RoIHeads, maskrcnn_loss
from torchvision.ops import MultiScaleRoIAlign, clip_boxes_to_image, nms

from xaiaudit.models.detection.detector import CLASSES, Detector, Regions, check_classes
from xaiaudit.models.detection.proposals import whole
from xaiaudit.models.detection.shared_map import SharedMap
from xaiaudit.models.detection.targets import Target
from xaiaudit.tensors import Boxes

POOLED = 7  # side of a region's features
LESIONS = 1 / 3  # of the regions that the heads learn from, at most
REGIONS = 16  # an image, which are outlined and classified
SUPPRESSED = 0.7  # IoU above which the later of two regions goes
DEVIATION = 0.05  # of the weights at first, Table 1, step 2


def ft_mtl_net(
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    backbone: str = "resnet50",
    smallest_anchor: int = 32,
    regions: int = 64,
    mask_width: int = 256,
    transfer: bool = True,
    reweight: bool = True,
) -> nn.Module:
    """An `FTMTLNet` whose shared map is of the registry's `backbone`, with these weights.

    Args:
        smallest_anchor: in pixels; 32 for images of 512, 16 for images of 256.
        regions: of an image that the heads learn from at a time, up to a third of them lesions; nearly the whole cost.
        mask_width: channels of the segmentation's features, which are handed on.
        transfer: False: the classifier gets no features of the segmentation.
        reweight: False: it gets them as they are, inside and outside of the lesion alike.

    Raises:
        UsageError: a backbone that does not do, or more than two classes.
    """
    check_classes(classes)
    shared = SharedMap(backbone, channels, weights)
    return FTMTLNet(
        shared,
        smallest_anchor=smallest_anchor,
        regions=regions,
        mask_width=mask_width,
        transfer=transfer,
        reweight=reweight,
    )


class FTMTLNet(Detector):
    """See `Detector`. Boxes are refined first, then outlined, then classified (section 2.3)."""

    def __init__(
        self,
        shared: SharedMap,
        *,
        smallest_anchor: int,
        regions: int,
        mask_width: int,
        transfer: bool,
        reweight: bool,
    ) -> None:
        super().__init__(shared, smallest_anchor=smallest_anchor)
        self.transfer, self.reweight = transfer, reweight
        self.box = nn.Linear(shared.width, 4)  # one for all classes: the class is not known yet
        self.segmentation = Segmentation(shared.width, mask_width)
        self.classifier = nn.Linear(shared.width + mask_width * transfer, 1 + CLASSES)
        for module in (*self.proposals.modules(), *(part for head in self.heads for part in head.modules())):
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
                nn.init.normal_(module.weight, 0.0, DEVIATION)
                nn.init.zeros_(module.bias)
        pool = MultiScaleRoIAlign(["0"], POOLED, sampling_ratio=2)
        # torchvision's way to match and draw regions; it has no weights of its own here
        self.sampling = RoIHeads(
            pool, None, None, 0.5, 0.5, regions, LESIONS, (10.0, 10.0, 5.0, 5.0), 0.0, 0.5, REGIONS,
        )  # fmt: skip

    def pooled(self, shared: Tensor, boxes: list[Tensor], size: tuple[int, int]) -> Tensor:
        """θ1: (r, width, 7, 7) of all regions of all images."""
        features: Tensor = self.sampling.box_roi_pool({"0": shared}, boxes, [size] * len(boxes))
        return features

    def classified(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """θ1 of regions to class logits (r, 3), the background's first, and mask logits (r, 2, 28, 28)."""
        handed, mask_logits = self.segmentation(features)
        parts = [features.mean((2, 3))]
        if self.transfer:
            parts.append(transferred(handed, mask_logits if self.reweight else None))
        logits: Tensor = self.classifier(torch.cat(parts, 1))
        return logits, mask_logits

    def regions(self, shared: Tensor, proposals: list[Tensor], size: tuple[int, int]) -> list[Regions]:
        counts = [len(boxes) for boxes in proposals]
        deltas = self.box(self.pooled(shared, proposals, size).mean((2, 3)))
        refined = torch.split(self.sampling.box_coder.decode(deltas.detach(), proposals)[:, 0], counts)
        boxes = [_apart(clip_boxes_to_image(own, size), size) for own in refined]
        logits, mask_logits = self.classified(self.pooled(shared, boxes, size))
        counts = [len(own) for own in boxes]
        masks = mask_logits.sigmoid()
        parts = zip(boxes, torch.split(logits, counts), torch.split(masks, counts), strict=True)
        return [
            Regions(own[:, None].expand(-1, CLASSES, -1), found, outlined) for own, found, outlined in parts
        ]

    def masks(
        self,
        shared: Tensor,
        regions: Sequence[Regions],
        drawn: Sequence[Boxes],
        rows: Sequence[Tensor],
        size: tuple[int, int],
    ) -> list[Tensor]:
        own = []
        for region, boxes, kept in zip(regions, drawn, rows, strict=True):
            assert region.masks is not None  # `regions` above made them
            own.append(region.masks[kept, boxes.label])
        return own

    def head_losses(
        self, shared: Tensor, proposals: list[Tensor], targets: Sequence[Target], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Equations 1, 7 and 9, on the same regions for all three tasks."""
        found = self.sampling.select_training_samples(proposals, [dict(target) for target in targets])
        boxes, matched, labels, aims = found
        features = self.pooled(shared, boxes, size)
        logits, mask_logits = self.classified(features)
        label = torch.cat(labels)
        lesions = label > 0
        deltas = self.box(features.mean((2, 3)))
        counts = [len(own) for own in boxes]
        on_lesion = [own > 0 for own in labels]
        return {
            "class": functional.cross_entropy(logits, label),
            "box": functional.smooth_l1_loss(deltas[lesions], torch.cat(aims)[lesions], reduction="sum")
            / sum(counts),
            "mask": maskrcnn_loss(
                functional.pad(mask_logits, (0, 0, 0, 0, 1, 0))[
                    lesions
                ],  # a channel for the background, never asked
                [own[there] for own, there in zip(boxes, on_lesion, strict=True)],
                [target["masks"] for target in targets],
                [target["labels"] for target in targets],
                [own[there] for own, there in zip(matched, on_lesion, strict=True)],
            ),
        }


class Segmentation(nn.Module):
    """θ1 (r, width, 7, 7) to θ4 (r, 256, 28, 28) and mask logits (r, 2, 28, 28) of benign and malignant lesions."""

    def __init__(self, width: int, own: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose2d(width, own, 2, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(own, own, 2, stride=2),
            nn.ReLU(),
        )
        self.mask = nn.Conv2d(own, CLASSES, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        handed = self.up(features)
        return handed, self.mask(handed)


def transferred(handed: Tensor, mask_logits: Tensor | None) -> Tensor:
    """θ4 (r, 256, 28, 28) to (r, 256): re-weighted by the likelier mask (equations 5 and 6), max-pooled, averaged.

    Without mask logits it is not re-weighted.
    """
    if mask_logits is not None:
        handed = handed * mask_logits.sigmoid().amax(1, keepdim=True)
    return functional.max_pool2d(handed, 2).mean((2, 3))


def _apart(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The first regions that do not lie upon one another; boxes come by falling objectness. All of them where the
    refined boxes are empty would be none: the whole image then stands for them."""
    there = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
    if not len(there):
        return whole(size).to(boxes)
    order = torch.arange(len(there), 0, -1, device=boxes.device, dtype=boxes.dtype)
    return there[nms(there, order, SUPPRESSED)[:REGIONS]]
