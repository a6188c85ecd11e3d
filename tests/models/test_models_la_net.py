"""LA-Net: one mask of four scales, attention by it, and what each part of it can be left without."""

import pytest
import torch
from torch import nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.counting import parameters
from xaiaudit.models.la_net import WIDTH, MaskAttention
from xaiaudit.models.parts.cbam import ChannelAttention, SpatialAttention
from xaiaudit.types import Preprocessing

RGB = Preprocessing(size=64)


def wrapped(**arguments: bool) -> AuditedModel:
    torch.manual_seed(0)
    net = build("la-net", classes=3, channels=3, **arguments)
    return AuditedModel(net, classes=("benign", "malignant", "normal"), preprocessing=RGB)


def test_mask_attention_adds_what_the_mask_weighs() -> None:
    features = torch.tensor([1.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    logits = torch.tensor([0.0, 1000.0]).view(1, 1, 1, 2)  # probabilities 1/2 and 1
    expected = torch.tensor([[1.5, 2.0], [-3.0, -4.0]]).view(1, 2, 1, 2)
    assert torch.equal(MaskAttention()(features, logits), expected)


def test_the_mask_has_the_size_of_the_last_map_and_the_outputs_that_of_the_image() -> None:
    model = wrapped()
    images = torch.rand(2, 1, 128, 128)
    with torch.no_grad():
        returned = model.net.eval()(model.normalise(images))
    assert returned["mask"].shape == (2, 1, 4, 4)
    out = model(images, layers=("attend", "encoder.net.layer4"))
    assert out.logits.shape == (2, 3)
    assert out.mask_logits is not None
    assert out.mask_logits.shape == (2, 1, 128, 128)
    last = out.features["encoder.net.layer4"]
    torch.testing.assert_close(out.features["attend"], last * (1 + returned["mask"].sigmoid()))


@pytest.mark.parametrize(("mask_attention", "layer"), [(True, "attend"), (False, "encoder.net.layer4")])
def test_the_class_activation_map_is_exact(mask_attention: bool, layer: str) -> None:
    model = wrapped(mask_attention=mask_attention)
    assert model.cam_layer == layer
    assert model.head is not None
    out = model(torch.rand(2, 1, 64, 64), layers=(layer,))
    pooled = out.features[layer].mean((2, 3))
    torch.testing.assert_close(pooled @ model.head_weights().T + model.head.bias, out.logits)


@pytest.mark.parametrize("mask_attention", [True, False])
def test_the_diagnosis_depends_on_the_mask_only_by_mask_attention(mask_attention: bool) -> None:
    net = wrapped(mask_attention=mask_attention).net.train()
    out = net(torch.rand(2, 3, 64, 64))
    out["logits"].square().sum().backward(retain_graph=True)
    grads = [p.grad for p in net.localiser.parameters()]
    assert all((grad is not None) == mask_attention for grad in grads)
    net.zero_grad()
    out["mask"].square().sum().backward()
    assert net.encoder.net.layer1[0].conv1.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in net.head.parameters())


@pytest.mark.parametrize(("name", "kind"), [
    ("channel_attention", ChannelAttention), ("spatial_attention", SpatialAttention), ("mask_attention", MaskAttention),
])  # fmt: skip
def test_each_attention_can_be_left_out(name: str, kind: type[nn.Module]) -> None:
    whole, less = wrapped().net, wrapped(**{name: False}).net
    assert sum(isinstance(module, kind) for module in whole.modules()) == 1  # shared by the scales
    assert not any(isinstance(module, kind) for module in less.modules())


def test_an_attention_is_left_out_by_false_alone() -> None:
    with pytest.raises(UsageError, match="true or false, got 'False'"):
        wrapped(mask_attention="False")  # type: ignore[arg-type]


def test_the_parameters_are_those_of_its_parts() -> None:
    widths = (64, 128, 256, 512)
    laterals = sum(width * WIDTH + WIDTH for width in widths)
    shared = 2 * WIDTH * 16 + 16 + WIDTH + 2 * 49 + 1  # the MLP of reduction 16, the kernel of 7 x 7
    squeezes, fusion = 4 * (WIDTH + 1), 4 * 9 + 2
    resnet18 = 11_689_512 - 513_000  # without its head of 1000 classes
    assert parameters("la-net", classes=3) == resnet18 + laterals + shared + squeezes + fusion + 512 * 3 + 3


def test_the_mask_starts_from_xaviers_initialisation() -> None:
    for layer in wrapped().net.localiser.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            rows, columns = layer.weight.shape[:2]
            bound = (6 / (layer.weight[0, 0].numel() * (rows + columns))) ** 0.5
            assert layer.weight.abs().max() <= bound
            assert layer.bias is None or not layer.bias.any()
            if layer.weight.numel() > 1000:
                assert layer.weight.abs().max() > 0.99 * bound


def test_the_scales_are_the_last_four() -> None:
    net = build("la-net", classes=2, channels=1, backbone="small-cnn")
    assert [lateral.in_channels for lateral in net.localiser.laterals] == [16, 32, 64, 64]
    deep = build("la-net", classes=2, channels=3, backbone="mobilenet_v2")
    assert [lateral.in_channels for lateral in deep.localiser.laterals] == [24, 32, 96, 1280]
