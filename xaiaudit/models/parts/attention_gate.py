"""The attention gate of a U-Net: what comes from below says which places of a skip connection matter."""

from torch import Tensor, nn

from xaiaudit.models.parts.convolutions import to_size


class AttentionGate(nn.Module):
    """A skip connection (n, skip, u, v), each place weighted between 0 and 1 by what a coarser map says of it.

    sigmoid(psi(ReLU(W_x x + W_g g))) with 1 x 1 convolutions to `inner` channels; g is resized to x.

    Source: Oktay et al. 2018, Attention U-Net, arXiv:1804.03999, equations 1 and 2 (there x is resized to g, and the
    weights back).
    """

    def __init__(self, skip: int, below: int, inner: int) -> None:
        super().__init__()
        self.of_skip = nn.Conv2d(skip, inner, 1, bias=False)
        self.of_below = nn.Conv2d(below, inner, 1)
        self.weigh = nn.Sequential(nn.ReLU(), nn.Conv2d(inner, 1, 1), nn.Sigmoid())

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        weight: Tensor = self.weigh(self.of_skip(skip) + to_size(self.of_below(below), skip.shape[2:]))
        return skip * weight
