"""The three rivals of MT-ESTAN: gates and hard attention by hand, sizes beside the benchmark's Table 3."""

import pytest
import torch
from torch import nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.counting import parameters
from xaiaudit.models.parts.attention_gate import AttentionGate
from xaiaudit.models.parts.hard_attention import HardAttention
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=64, channels=1, mean=(0.5,), std=(0.25,))


def test_an_attention_gate_by_hand() -> None:
    gate = AttentionGate(2, 1, 1)
    with torch.no_grad():
        gate.of_skip.weight.copy_(torch.tensor([1.0, 1.0]).view(1, 2, 1, 1))
        gate.of_below.weight.fill_(2.0)
        gate.of_below.bias.fill_(-1.0)
        gate.weigh[1].weight.fill_(3.0)
        gate.weigh[1].bias.fill_(-3.0)
    skip = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(-1, -1, 4, 4)
    below = torch.tensor([[[[0.5]]]]).expand(-1, -1, 2, 2)
    weight = torch.sigmoid(torch.tensor(3.0 * (1 + 2 + 2 * 0.5 - 1) - 3))
    torch.testing.assert_close(gate(skip, below), skip * weight)
    shut = gate(torch.zeros(1, 2, 4, 4) - 5, below)  # ReLU gives 0, so sigmoid(-3)
    torch.testing.assert_close(shut, torch.full((1, 2, 4, 4), -5 * torch.sigmoid(torch.tensor(-3.0)).item()))


def test_hard_attention_averages_the_cells_of_the_mask() -> None:
    features = torch.arange(16.0).view(1, 1, 4, 4)
    mask = torch.full((1, 1, 16, 16), -1.0)
    mask[0, 0, 5, 6] = mask[0, 0, 15, 15] = 0.5  # one pixel each of cells (1, 1) and (3, 3)
    seen = HardAttention()(features, mask)
    assert seen.nonzero().tolist() == [[0, 0, 1, 1], [0, 0, 3, 3]]
    assert seen.mean().item() == pytest.approx((5 + 15) / 2)
    empty = HardAttention()(features, mask - 9)
    torch.testing.assert_close(empty, features)  # an empty mask hides nothing


def test_the_diagnosis_passes_a_gradient_to_the_mask() -> None:
    features, mask = torch.rand(1, 3, 4, 4), torch.randn(1, 1, 16, 16, requires_grad=True)
    seen = HardAttention()(features, mask)
    assert torch.autograd.grad(seen.sum(), mask)[0].abs().max() > 0


# as Table 3 has them, and what ours have; where they differ docs/models.md says so
@pytest.mark.parametrize(
    ("name", "told", "ours"), [("emt-net", 5.1, 4.84), ("sha-mtl", 8.2, 8.17), ("unet-mtl", 27.3, 7.91)]
)
def test_sizes_beside_table_3(name: str, told: float, ours: float) -> None:
    found = parameters(name) / 1e6
    assert found == pytest.approx(ours, abs=0.005)
    assert (round(found, 1) == told) == (name == "sha-mtl")


def test_the_u_net_by_hand() -> None:
    def double(before: int, after: int) -> int:
        return 9 * before * after + 9 * after * after + 4 * after

    widths = [32, 64, 128, 256, 512]
    down = sum(double(a, b) for a, b in zip([3, *widths], widths, strict=False))
    up = sum(4 * 2 * a * a + a + double(2 * a, a) for a in widths[:-1])
    head = 512 * 256 + 256 + 256 * 64 + 64 + 64 * 2 + 2
    assert parameters("unet-mtl") == down + up + head + 32 * 9 + 1
    assert parameters("unet-mtl", width=64) / 1e6 == pytest.approx(
        31.03 + 0.28, abs=0.01
    )  # Ronneberger's, and the head


def test_the_u_net_takes_any_size_and_no_weights() -> None:
    net = build("unet-mtl", classes=2, channels=1, width=4)
    assert [layer.p for layer in net.head if isinstance(layer, nn.Dropout)] == [0.25, 0.25]
    model = AuditedModel(net, preprocessing=GREY)
    assert model.cam_layer == "down.4"
    assert net.eval()(torch.rand(1, 1, 75, 66))["mask"].shape == (1, 1, 75, 66)
    for options, words in (
        ({"weights": "default"}, "no pretrained weights"),
        ({"width": 0}, "at least 1 channel"),
    ):
        with pytest.raises(UsageError, match=words):
            build("unet-mtl", classes=2, channels=1, **options)


def test_the_class_of_sha_mtl_is_explained_by_what_it_attends_to() -> None:
    model = AuditedModel(build("sha-mtl", classes=2, channels=1, backbone="resnet18"), preprocessing=GREY)
    assert model.cam_layer == "attend"
    assert model.head is not None
    assert len(model.net.decoder.blocks) == 5
    assert set(model.net.decoder.gates) == {"4", "3", "2", "1"}
    images = torch.rand(2, 1, 64, 64)
    out = model(images, layers=("attend",))
    cells = torch.nn.functional.adaptive_max_pool2d(out.mask_logits, 2) >= 0
    seen = out.features["attend"].abs().sum(1, keepdim=True) > 0
    inside = cells | ~cells.flatten(1).any(1)[:, None, None, None]
    assert not (seen & ~inside).any()


def test_emt_net_is_on_mobilenet() -> None:
    assert parameters("emt-net") == parameters("bench-mtl", backbone="timm:mobilenetv1_100")
