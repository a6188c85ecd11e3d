"""The thesis's multi-task network: a mask at the input's size from six blocks, five of which upsample."""

import pytest
import torch
from torch import nn

from xaiaudit.models import AuditedModel, build
from xaiaudit.types import Preprocessing


@pytest.mark.parametrize(("backbone", "layer"), [("resnet18", "layer4"), ("timm:regnetx_002", "s4")])
def test_six_blocks_five_doublings(backbone: str, layer: str) -> None:
    net = build("thesis-mtl", classes=2, channels=3, backbone=backbone)
    assert net.layer == layer
    blocks = list(net.decoder)[:-1]
    assert len(blocks) == 6
    doublings = [any(isinstance(module, nn.Upsample) for module in block) for block in blocks]
    assert doublings == [True] * 5 + [False]
    with torch.no_grad():
        assert net.decoder(torch.zeros(1, net.decoder[0][0].in_channels, 7, 7)).shape == (1, 1, 224, 224)


@pytest.mark.parametrize("size", [64, 80])  # 80 is rounded up to 96 by the encoder
def test_both_heads_reach_the_outputs_and_the_features(size: int) -> None:
    net = build("thesis-mtl", classes=2, channels=3, backbone="resnet18")
    model = AuditedModel(net, preprocessing=Preprocessing(size=64))
    assert model.has_mask
    assert model.cam_layer == "encoder.layer4"
    assert model.head is net.encoder.fc
    images = torch.rand(2, 1, size, size, requires_grad=True)
    out = model(images, layers=("encoder.layer4",))
    assert out.mask_logits is not None
    assert out.mask_logits.shape == (2, 1, size, size)
    feature = out.features["encoder.layer4"]
    for score in (out.logits[:, 1].sum(), out.mask_logits.sum()):
        grads = torch.autograd.grad(score, (feature, images), retain_graph=True)
        assert all(grad.abs().max() > 0 for grad in grads)


def test_both_heads_train_the_encoder() -> None:
    net = build("thesis-mtl", classes=2, channels=1, backbone="resnet18").train()
    out = net(torch.rand(2, 1, 64, 64))
    for name in ("logits", "mask"):
        net.zero_grad()
        out[name].sum().backward(retain_graph=True)
        assert net.encoder.conv1.weight.grad is not None
        assert net.encoder.conv1.weight.grad.abs().max() > 0
