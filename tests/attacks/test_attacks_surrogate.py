"""The smooth stand-in: what it computes, that it bends where ReLUs do not, and that nothing stays."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xaiaudit.attacks.surrogate import Smoothed
from xaiaudit.tensors import Outputs

D = torch.float64
X = torch.linspace(-9, 9, 60, dtype=D).view(1, 1, 6, 10)


class Asked(nn.Module):
    """One activation as a model."""

    def __init__(self, activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        return Outputs(self.activation(images).flatten(1))


def softplus(x: Tensor, beta: float) -> Tensor:
    return torch.log1p(torch.exp(-beta * x.abs())) / beta + x.clamp(min=0)


def soft6(x: Tensor, beta: float) -> Tensor:
    return softplus(x, beta) - softplus(x - 6, beta)


@pytest.mark.parametrize(
    ("activation", "smooth"),
    [
        (nn.ReLU(), softplus),
        (nn.ReLU(inplace=True), softplus),
        (F.relu, softplus),
        (torch.relu, softplus),
        (lambda x: x.relu(), softplus),
        (lambda x: (x + 0).relu_(), softplus),
        (lambda x: torch.relu_(x + 0), softplus),
        (nn.ReLU6(), soft6),
        (nn.ReLU6(inplace=True), soft6),
        (F.relu6, soft6),
        (nn.Hardswish(), lambda x, beta: x * soft6(x + 3, beta) / 6),
        (nn.Hardsigmoid(), lambda x, beta: soft6(x + 3, beta) / 6),
        (nn.Hardtanh(), lambda x, beta: -1 + softplus(x + 1, beta) - softplus(x - 1, beta)),
        (nn.Tanh(), lambda x, beta: x.tanh()),
    ],
)
def test_every_relu_becomes_softplus_and_only_while_it_is_asked(activation, smooth) -> None:
    model = Asked(activation)
    before = model(X.clone()).logits
    for beta in (1.0, 4.0):
        assert torch.allclose(Smoothed(model, beta)(X.clone()).logits, smooth(X, beta).flatten(1), atol=1e-12)
    assert torch.allclose(Smoothed(model, 1e4)(X.clone()).logits, before, atol=1e-3)
    assert torch.equal(model(X.clone()).logits, before)


def test_a_relu_network_bends_only_when_smoothed() -> None:
    torch.manual_seed(0)
    model = Asked(nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1)).double())
    x = torch.randn(1, 1, 2, 3, dtype=D, requires_grad=True)

    def bend(asked) -> Tensor:
        (slope,) = torch.autograd.grad(asked(x).logits.sum(), x, create_graph=True)
        if not slope.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad((slope**2).sum(), x, materialize_grads=True)[0]

    assert not bend(model).any()
    assert bend(Smoothed(model, 5.0)).any()
