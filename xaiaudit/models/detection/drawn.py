"""From class logits of regions to the boxes that are drawn, and from their masks to one of the image."""

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

from xaiaudit.tensors import Boxes

OVERLAP = 0.5  # IoU above which the fainter of two boxes of one class goes, as in torchvision
MOST = 20  # boxes an image, however faint: an attack that raises one must have where to start
OPERATING = 0.5  # score from which on a box counts: more likely than all else together
BLANK = 1e-4  # probability of the lesion where no box is drawn


def margins(class_logits: Tensor) -> Tensor:
    """(r, 1 + k) logits, the background's first, to the (r, k) log-odds of each class against all else.

    Their sigmoid is the softmax score; unlike it they are not lost where the network is sure of itself.
    """
    return torch.stack(
        [
            class_logits[:, index]
            - torch.cat((class_logits[:, :index], class_logits[:, index + 1 :]), 1).logsumexp(1)
            for index in range(1, class_logits.shape[1])
        ],
        1,
    )


def draw(boxes: Tensor, log_odds: Tensor, size: tuple[int, int]) -> tuple[Boxes, Tensor]:
    """The boxes of one image, the likeliest first, and the region (b,) that each came from.

    Args:
        boxes: (r, k, 4), of each region for each class; suppressed class by class.
        log_odds: (r, k), see `margins`.
        size: of the image, (h, w).
    """
    regions, classes = log_odds.shape
    flat = clip_boxes_to_image(boxes.reshape(-1, 4), size)
    odds = log_odds.reshape(-1)
    score = odds.sigmoid()
    label = torch.arange(classes, device=odds.device).repeat(regions)
    kept = remove_small_boxes(flat, 1e-2)
    kept = kept[batched_nms(flat[kept].float(), score[kept].float(), label[kept], OVERLAP)][:MOST]
    drawn = Boxes(xyxy=flat[kept], score=score[kept], label=label[kept], margin=odds[kept])
    return drawn, kept.div(classes, rounding_mode="floor")


def pasted(masks: Tensor, boxes: Boxes, size: tuple[int, int]) -> Tensor:
    """(b, u, v) mask probabilities of drawn boxes to the lesion's logits (1, h, w) on the image.

    Where boxes that count overlap, the likelier mask holds. An image without one has no lesion anywhere.
    """
    counts = boxes.score >= OPERATING
    if not bool(counts.any()):
        return masks.new_full((1, *size), BLANK).logit()
    own = paste_masks_in_image(masks[counts][:, None], boxes.xyxy[counts].detach(), size)
    logits: Tensor = own.amax(0).clamp(BLANK, 1 - BLANK).logit()
    return logits
