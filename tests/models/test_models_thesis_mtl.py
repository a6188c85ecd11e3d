"""The thesis's multi-task network: a mask at the input's size from six blocks, five of which upsample."""

import pytest
import torch
from torch import nn

from xaiaudit.errors import UsageError
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


def test_doublings_can_be_learnt() -> None:
    net = build("thesis-mtl", classes=2, channels=3, backbone="resnet18", transposed=True)
    kinds = [type(module) for module in net.decoder.modules()]
    assert kinds.count(nn.ConvTranspose2d) == 5
    assert nn.Upsample not in kinds
    assert net.eval()(torch.rand(1, 3, 64, 64))["mask"].shape == (1, 1, 64, 64)


def test_the_segmentation_network_decides_whether_it_outlines_anything() -> None:
    net = build("thesis-seg", classes=2, channels=1, backbone="small-cnn").eval()
    images = torch.rand(3, 1, 64, 64)
    with torch.no_grad():
        largest = net(images)["mask"].flatten(1).amax(1).sort().values
        net.decoder[-1].bias -= (largest[0] + largest[1]) / 2  # two of three images have pixels above 0
        out = net(images)
        assert net.decoder(net.encoder(images)[-1]).shape == (3, 1, 64, 64)  # four doublings of 4 x 4
    assert out["logits"].shape == (3, 1)
    assert (out["logits"] >= 0).sum() == 2
    assert torch.equal(out["logits"][:, 0] >= 0, (out["mask"] >= 0).flatten(1).any(1))
    model = AuditedModel(
        net,
        classes=("no lesion", "lesion"),
        positive="lesion",
        preprocessing=Preprocessing(size=64, channels=1, mean=(0.4,), std=(0.2,)),
    )
    assert (model.has_mask, model.one_logit, model.cam_layer) == (True, True, "encoder.net.features")


def test_direct_upsampling_is_one_convolution_and_a_bilinear_resize() -> None:
    net = build("thesis-seg", classes=2, channels=3, backbone="resnet18", decoder="direct").eval()
    images = torch.rand(2, 3, 64, 64)
    last = net.encoder(images)[-1]
    assert last.shape[1:] == (512, 2, 2)
    small = torch.einsum("nchw,c->nhw", last, net.decoder.weight[0, :, 0, 0]) + net.decoder.bias
    wanted = nn.functional.interpolate(small[:, None], (64, 64), mode="bilinear", align_corners=False)
    assert torch.allclose(net(images)["mask"], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"decoder": "unet"}, "blocks or direct"),
        ({"decoder": "direct", "transposed": True}, "leave transposed out"),
        ({"backbone": "os:getcwd"}, "must be a name of torchvision"),
    ],
)
def test_what_the_segmentation_network_cannot_be(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        build("thesis-seg", classes=2, channels=3, **({"backbone": "resnet18"} | arguments))
