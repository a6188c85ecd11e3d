"""Hard attention: the diagnosis looks where the network's own mask says that the lesion is, and nowhere else."""

from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d


class HardAttention(nn.Module):
    """Features (n, c, u, v), zero outside the mask (n, 1, h, w) in logits, and as strong on average as within it.

    A cell is inside where any of its pixels is; where the mask is empty every cell is, so that each image gets a
    diagnosis. The average over all cells of what is returned is the average over those inside. The step from logit to
    cell passes the gradient of the sigmoid on (straight-through), so that an attack through the mask is seen.
    """

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        logits = adaptive_max_pool2d(mask, features.shape[2:])
        inside = (logits >= 0).to(features)
        inside = inside + (inside.flatten(1).amax(1) == 0)[:, None, None, None]
        soft = logits.sigmoid()
        return features * (inside + (soft - soft.detach())) / inside.mean((2, 3), keepdim=True)
