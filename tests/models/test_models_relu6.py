"""The lean ReLU6: the same bits, forwards and backwards, and half of what is kept."""

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.models.relu6 import with_lean_relu6


def values() -> Tensor:
    edges = torch.tensor([-1.0, -0.0, 0.0, 1e-30, 3.0, 6.0, 6.0000005, 7.0, torch.inf, -torch.inf])
    return torch.cat((edges, torch.linspace(-8, 14, 101)))


@pytest.mark.parametrize("inplace", [False, True])
def test_the_same_outputs_and_gradients(inplace: bool) -> None:
    net = nn.Sequential(nn.Identity(), nn.ReLU6(inplace=inplace))
    lean = with_lean_relu6(net)
    assert not any(isinstance(module, nn.ReLU6) for module in lean.modules())
    weights = torch.randn(len(values()), generator=torch.Generator().manual_seed(0))
    found = []
    for each in (net, lean):
        x = values().requires_grad_()
        y = each(x * 1)
        found.append((y.detach(), torch.autograd.grad((weights * y).sum(), x)[0]))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_second_derivatives() -> None:
    net = with_lean_relu6(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU6(), nn.Conv2d(2, 1, 2))).double()
    x = torch.rand(1, 1, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 9
    assert torch.autograd.gradgradcheck(lambda x: net(x**2), x.requires_grad_())


def test_what_is_kept_is_the_output_which_the_next_layer_keeps_too() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU6(inplace=True), nn.Conv2d(4, 1, 1)).requires_grad_(False)
    x = torch.rand(1, 1, 50, 50, requires_grad=True)
    sizes = []
    for each in (net, with_lean_relu6(net)):
        kept: dict[int, int] = {}

        def note(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            y = each(x)
        del y
        sizes.append(sum(size for size in kept.values() if size == 4 * 50 * 50))
    assert sizes == [2 * 4 * 50 * 50, 4 * 50 * 50]


def test_a_network_without_relu6_is_left_as_it_is() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    assert with_lean_relu6(net) is net
