"""Feature maps are the layer's own output, whatever is done to it in place afterwards."""

from copy import deepcopy

import pytest
import torch
import torchvision
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.types import Preprocessing

RGB = Preprocessing(size=64)
TARGET = torch.tensor([0, 1])


class OutOfPlaceDenseNet(torchvision.models.DenseNet):
    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        return self.classifier(torch.relu(features).mean((2, 3)))


def _out_of_place(net: nn.Module) -> nn.Module:
    """The same network without one in-place operation after the layers under test."""
    net = deepcopy(net)
    for module in net.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    if isinstance(net, torchvision.models.DenseNet):
        net.__class__ = OutOfPlaceDenseNet
    return net


@pytest.mark.parametrize(
    ("name", "layer"),
    [("resnet18", "layer4.1.bn1"), ("densenet121", "features"), ("mobilenet_v2", "features.18.1")],
)
def test_an_activation_in_place_changes_neither_features_nor_gradients(name: str, layer: str) -> None:
    torch.manual_seed(0)
    net = torchvision.models.get_model(name, num_classes=2).eval()
    oracle, kept = _out_of_place(net), []
    oracle.get_submodule(layer).register_forward_hook(lambda module, args, output: kept.append(output))
    model, images = AuditedModel(net, preprocessing=RGB), torch.rand(2, 1, 64, 64)
    plain = model(images).logits
    with model:
        out = model(images, layers=(layer,))
        score = out.class_score(TARGET).sum()
        (grad,) = torch.autograd.grad(score, out.features[layer])
    logits = oracle(model.normalise(images))
    (expected,) = torch.autograd.grad(logits.gather(1, TARGET[:, None]).sum(), kept[0])
    assert torch.equal(out.logits, plain)
    assert kept[0].min() < 0  # so that a ReLU would have shown
    torch.testing.assert_close(out.features[layer], kept[0])
    torch.testing.assert_close(grad, expected)
    assert expected.abs().max() > 0


def test_gradients_reach_the_images_through_the_layer() -> None:
    net = torchvision.models.resnet18(num_classes=2)
    model, images = AuditedModel(net, preprocessing=RGB), torch.rand(2, 1, 64, 64, requires_grad=True)
    out = model(images, layers=("layer3", "layer4"))
    (with_layers,) = torch.autograd.grad(out.class_score(TARGET).sum(), images)
    (without,) = torch.autograd.grad(model(images).class_score(TARGET).sum(), images)
    assert torch.equal(with_layers, without)
    with torch.no_grad():
        assert not model(images, layers=("layer4",)).features["layer4"].requires_grad


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.twice = nn.ReLU()
        self.unused = nn.Conv2d(1, 2, 3)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.flat = nn.Flatten()

    def forward(self, images: Tensor) -> Tensor:
        return self.flat(self.pool(self.twice(self.twice(self.conv(images))))[0].mean((2, 3)))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("twice", "more than once"),
        ("unused", "did not run"),
        ("pool", "gives a tuple"),
        ("flat", r"gives shape \(1, 2\)"),
        ("cnv", "nearest are conv"),
        ("", "no layer ''"),
    ],
)
def test_a_layer_without_one_feature_map_is_refused_and_no_hook_stays(layer: str, words: str) -> None:
    grey = Preprocessing(size=16, channels=1, mean=(0.5,), std=(0.25,))
    net = Odd()
    with pytest.raises(UsageError, match=words):
        AuditedModel(net, preprocessing=grey)(torch.rand(1, 1, 16, 16), layers=(layer,))
    assert not any(module._forward_hooks for module in net.modules())
