"""Bringing maps from their own grid to the image's, for pictures."""

from torch import Tensor
from torch.nn.functional import interpolate

from xaiaudit.tensors import Saliency


def resize(maps: Saliency, size: tuple[int, int]) -> Tensor:
    """Maps on a grid of `size` rows and columns, bilinear between cell centres, (n, *size)."""
    return interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
