"""What is left of a perturbation once the image is stored with 8 bits."""

import torch

from xaiaudit.tensors import Images


def quantise(images: Images) -> Images:
    """The nearest image on the 8-bit grid; in float32, bit for bit k / 255 of a uint8 pixel k.

    Rounding may carry a pixel up to half a grey level out of the ball that the attack kept to.
    """
    # On CUDA, dividing by a Python number multiplies by its reciprocal and misses k / 255 by one ulp.
    full_scale = torch.full((), 255, dtype=images.dtype, device=images.device)
    return (images * full_scale).round() / full_scale
