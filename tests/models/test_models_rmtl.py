"""RMTL: three doublings of the last feature map, beside the diagnosis."""

import torch
from torch import nn

from xaiaudit.models import AuditedModel, build
from xaiaudit.models.counting import parameters
from xaiaudit.types import Preprocessing


def test_three_blocks_double_the_last_map() -> None:
    net = build("rmtl", classes=2, channels=1, backbone="resnet18").eval()
    kinds = [[type(layer) for layer in block] for block in net.outline[:-1]]
    assert kinds == [[nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]] * 3
    with torch.no_grad():
        out = net(torch.rand(2, 1, 96, 64))
    assert out["mask"].shape == (2, 1, 24, 16)
    assert isinstance(net.outline[-1], nn.Conv2d)  # so that a logit can have either sign


def test_both_tasks_train_the_encoder_and_cam_is_exact() -> None:
    net = build("rmtl", classes=3, channels=3, backbone="resnet18")
    model = AuditedModel(net, classes=("benign", "malignant", "normal"), preprocessing=Preprocessing(size=64))
    assert model.cam_layer == "encoder.net.layer4"
    images = torch.rand(2, 1, 64, 64, requires_grad=True)
    out = model(images, layers=("encoder.net.layer4",))
    pooled = out.features["encoder.net.layer4"].mean((2, 3))
    torch.testing.assert_close(pooled @ model.head_weights().T + model.head.bias, out.logits)
    assert out.mask_logits is not None
    assert out.mask_logits.shape == (2, 1, 64, 64)
    for score in (out.logits, out.mask_logits):
        assert torch.autograd.grad(score.sum(), images, retain_graph=True)[0].abs().max() > 0


def test_the_parameters_are_those_of_its_parts() -> None:
    resnet50 = 25_557_032 - 2_049_000  # without its head of 1000 classes
    blocks = 16 * 256 * (2048 + 256 + 256) + 3 * 2 * 256 + 256 + 1
    assert parameters("rmtl", classes=3) == resnet50 + blocks + 2048 * 3 + 3
