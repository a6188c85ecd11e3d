"""Folding: the same outputs, names and features; left alone wherever the outputs would change."""

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.models import build
from xaiaudit.models.features import caught
from xaiaudit.models.folding import Folded, fold


def noisy(net: nn.Module, seed: int = 0) -> nn.Module:
    """`net` in eval mode with statistics and weights of batch norm that matter, drawn from a seed."""
    generator = torch.Generator().manual_seed(seed)
    for norm in net.modules():
        if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            continue
        for tensor, low, high in (
            (norm.running_mean, -0.5, 0.5),
            (norm.running_var, 0.5, 2.0),
            (norm.weight, 0.5, 1.5),
            (norm.bias, -0.5, 0.5),
        ):
            if tensor is not None:
                tensor.data.uniform_(low, high, generator=generator)
    return net.eval()


def images(channels: int = 3, size: int = 16) -> Tensor:
    return torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(1))


def norms(net: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules())


def check(net: nn.Module, x: Tensor) -> Folded:
    """Folded on `x`, with equal outputs on other images."""
    folded = fold(net, x)
    other = 1 - x.flip(3)
    torch.testing.assert_close(folded.net(other), net(other), rtol=1e-5, atol=1e-5)
    assert norms(folded.net) == folded.norms - len(folded.pairs) == norms(net) - len(folded.pairs)
    return folded


def test_a_pair_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=True), nn.BatchNorm2d(1, eps=0.0)).eval()
    conv, norm = net
    conv.weight.data.fill_(3.0)
    conv.bias.data.fill_(1.0)
    norm.running_mean.fill_(2.0)
    norm.running_var.fill_(4.0)
    norm.weight.data.fill_(5.0)
    norm.bias.data.fill_(7.0)
    folded = fold(net, images(1))
    assert folded.pairs == (("0", "1"),)
    # 5 (3x + 1 - 2) / 2 + 7 = 7.5 x + 4.5
    assert folded.net[0].weight.item() == 7.5
    assert folded.net[0].bias.item() == 4.5
    assert conv.weight.item() == 3.0  # the net itself is as it was


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(4, 6, 3, bias=False, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 8, 3, groups=2, stride=2),
        nn.Conv2d(4, 8, 3, groups=4),  # depthwise, two filters a channel
        nn.ConvTranspose2d(4, 6, 3, stride=2),
        nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("affine", [True, False])
def test_every_kind_of_convolution_folds(layer: nn.Module, affine: bool) -> None:
    net = noisy(
        nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels, affine=affine), nn.ReLU(inplace=True))
    )
    assert check(net, images(4)).pairs == (("0", "1"),)


def test_a_linear_layer_folds() -> None:
    net = noisy(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5), nn.BatchNorm1d(5)))
    assert check(net, images()).pairs == (("1", "2"),)


class Reusing(nn.Module):
    """One convolution and two batch norms, used as `way` says."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.twin, self.other = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        if way == "weight shared":
            self.twin.weight = self.conv.weight

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        y = self.conv(x)
        match self.way:
            case "convolution twice":
                return self.norm(y) + self.conv(x + 1)
            case "output twice":
                return self.norm(y) + y
            case "output seen by no gradient":
                return self.norm(y) * y.detach().mean().sigmoid()
            case "output returned":
                return self.norm(y), y
            case "output in two norms":
                return self.norm(y) + self.other(y)
            case "norm twice":
                return self.norm(self.norm(y))
            case "norm of two layers":
                return self.norm(y) + self.norm(self.twin(x))
            case "activation between":
                return self.norm(y.relu_())
            case "weight shared":
                return self.norm(y) + self.twin(x)
            case "scale read":
                return self.norm(y) * self.norm.weight.mean()
            case "batch statistics":
                return self.norm(y)
            case "norm first":
                return self.conv(self.norm(x))
            case _:
                raise AssertionError(self.way)


@pytest.mark.parametrize(
    "way",
    [
        "convolution twice",
        "output twice",
        "output seen by no gradient",
        "output returned",
        "output in two norms",
        "norm twice",
        "norm of two layers",
        "activation between",
        "weight shared",
        "scale read",
        "batch statistics",
        "norm first",
    ],
)
def test_what_would_change_the_outputs_is_left_alone_and_says_why(way: str) -> None:
    net = noisy(Reusing(way))
    if way == "batch statistics":
        net.norm = nn.BatchNorm2d(3, track_running_stats=False).eval()
    folded = fold(net, images())
    assert folded.pairs == ()
    assert folded.net is net
    assert folded.left["norm"]


def test_a_flow_that_depends_on_the_image_is_left_alone() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return self.norm(y) if x.mean() > 0.1 else y

    folded = fold(noisy(Fork()), images())
    assert folded.pairs == ()
    assert "depend on the image" in folded.why


def test_weights_made_in_the_forward_are_left_alone() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight / self.weight.std((1, 2, 3), keepdim=True)
            return nn.functional.conv2d(x, weight, self.bias)

    net = noisy(nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)))
    assert fold(net, images()).left == {"1": "it follows a layer of type Standardised"}


def test_a_network_that_asks_for_its_batch_norm_is_left_alone() -> None:
    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.conv(x)) + self.norm.eps

    folded = fold(noisy(Asking()), images())
    assert folded.pairs == ()
    assert "eps" in folded.why


def test_a_comparison_that_fails_leaves_the_network_alone() -> None:
    class Odd(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1

    net = noisy(nn.Sequential(nn.Conv2d(3, 3, 3), Odd(3)))
    folded = fold(net, images())
    assert folded.net is net
    assert "differ by 1" in folded.why


def test_shared_weights_stay_shared_and_the_net_keeps_its_flags() -> None:
    net = noisy(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3))).train()
    folded = fold(net, images())
    assert folded.net[3].weight is net[3].weight
    assert folded.net[0].weight is not net[0].weight
    assert net.training
    assert not folded.net.training
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_features_by_name_are_the_same_except_where_they_are_said_to_change() -> None:
    block = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.ReLU())
    net = noisy(nn.Sequential(block, nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)))
    folded = fold(net, images())
    assert folded.changed == {"0.0", "0.0.0", "1"}
    for name, _ in net.named_modules():
        if not name:
            continue
        with caught(net, (name,)) as plain:
            net(images())
        with caught(folded.net, (name,)) as other:
            folded.net(images())
        assert torch.allclose(plain[name], other[name], atol=1e-5) == (name not in folded.changed), name


@pytest.mark.parametrize(
    ("architecture", "left"),
    [
        ("small-cnn", 0),
        ("resnet18", 0),
        ("mobilenet_v2", 0),
        ("densenet121", 62),  # batch norm comes before the convolution; 59 fold
        ("timm:mobilenetv3_small_050", 0),  # batch norm and activation in one module
        ("timm:repvgg_a0", 17),
    ],
)
def test_architectures(architecture: str, left: int) -> None:
    net = build(architecture, classes=2, channels=3)
    torch.manual_seed(0)
    noisy(net)
    x = images(size=64)
    folded = fold(net, x)
    assert (folded.why, len(folded.left)) == ("", left)
    x.requires_grad_()
    outputs, grads = [], []
    for each in (net, folded.net):
        outputs.append(each(x))
        grads.append(torch.autograd.grad(outputs[-1][:, 0].sum(), x)[0])
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(grads[1], grads[0], rtol=1e-3, atol=1e-4 * grads[0].abs().max().item())
