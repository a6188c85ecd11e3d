"""What a detector learns from: the lesions of one image."""

from typing import TypedDict

from torch import Tensor


class Target(TypedDict):
    """Of one image, as torchvision's detectors take it; without a lesion, b is 0."""

    boxes: Tensor  # (b, 4) x0, y0, x1, y1 in input pixels, half-open, of an area above 0
    labels: Tensor  # (b,) int64, 1 + class index: 0 is the background
    masks: Tensor  # (b, h, w) uint8
