"""A frozen network behind whose stages every channel is scaled: by hand, what learns, and signed CAM."""

from pathlib import Path

import pytest
import torch
import torchvision

from xaiaudit.explainers.registry import explainer
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.counting import parameters
from xaiaudit.models.scaled_resnet import Scale
from xaiaudit.training import recipe_of
from xaiaudit.training.batch_norm import freeze, norms_to_freeze
from xaiaudit.training.optimizers import optimizer
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=64, channels=1, mean=(0.5,), std=(0.25,))
RESNET18 = (64, 64, 128, 256, 512)


def test_a_scale_by_hand() -> None:
    scale = Scale(2)
    features = torch.tensor([[1.0, -2.0], [3.0, 4.0]]).view(1, 2, 1, 2)
    assert torch.equal(scale(features), features)
    with torch.no_grad():
        scale.weight.copy_(torch.tensor([2.0, -1.0]))
        scale.bias.copy_(torch.tensor([0.5, 1.0]))
    assert torch.equal(scale(features), torch.tensor([[2.5, -3.5], [-2.0, -3.0]]).view(1, 2, 1, 2))


def test_untrained_scales_leave_the_pretrained_network_as_it_was(tmp_path: Path) -> None:
    plain = torchvision.models.resnet18().eval()
    torch.save(plain.state_dict(), tmp_path / "w.pth")
    net = build(
        "scaled-resnet", classes=2, channels=3, backbone="resnet18", weights=str(tmp_path / "w.pth")
    ).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        plain.fc = net.head[-1]
        torch.testing.assert_close(net(images), plain(images))


def test_each_stage_hands_on_what_its_scale_made_of_it() -> None:
    net = build("scaled-resnet", classes=2, channels=1, backbone="resnet18").eval()
    resnet, images = net.encoder.net, torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        for scale in net.scales:
            scale.weight.uniform_(0.5, 2)
            scale.bias.uniform_(-1, 1)
        x = resnet.maxpool(net.scales[0](resnet.relu(resnet.bn1(resnet.conv1(images)))))
        stages = (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4)
        for stage, scale in zip(stages, net.scales[1:], strict=True):
            x = scale(stage(x))
        torch.testing.assert_close(net(images), net.head(x))


def test_only_scales_and_the_dense_layer_learn() -> None:
    recipe = recipe_of("scaled-resnet")
    assert (recipe.batch_size, recipe.learning_rate, recipe.patience) == (12, 1e-3, 8)
    assert (recipe.optimizer, recipe.loss) == ("adam", "cross-entropy")
    net = build("scaled-resnet", classes=2, channels=1, backbone="resnet18")
    moves, norms = optimizer(net, recipe), norms_to_freeze(net, recipe)
    learnt = sum(p.numel() for group in moves.param_groups for p in group["params"])
    assert learnt == 2 * sum(RESNET18) + 512 + 1
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    freeze(norms)
    net(torch.rand(4, 1, 64, 64)).square().sum().backward()
    moves.step()
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    scales = {f"scales.{k}.{name}" for k in range(5) for name in ("weight", "bias")}
    assert changed == scales | {"head.2.weight", "head.2.bias"}


def test_two_classes_have_one_output_and_its_parameters_are_those_of_its_parts() -> None:
    stages = (64, 256, 512, 1024, 2048)
    resnet50 = 25_557_032 - 2_049_000  # without its head of 1000 classes
    assert parameters("scaled-resnet") == resnet50 + 2 * sum(stages) + 2048 + 1
    assert parameters("scaled-resnet", classes=3) == resnet50 + 2 * sum(stages) + 3 * (2048 + 1)


@pytest.mark.parametrize("backbone", ["resnet18", "small-cnn", "mobilenet_v2"])
def test_signed_cam_is_exact_whatever_the_scales(backbone: str) -> None:
    torch.manual_seed(0)
    net = build("scaled-resnet", classes=2, channels=1, backbone=backbone)
    with torch.no_grad():
        for scale in net.scales:
            scale.weight.uniform_(0.5, 2)
            scale.bias.uniform_(-1, 1)
    model = AuditedModel(net, preprocessing=GREY)
    assert model.one_logit
    assert model.cam_layer == f"scales.{len(net.scales) - 1}"
    images = torch.rand(3, 1, 64, 64)
    out = model(images)
    maps = explainer("cam")(model, images, torch.ones(3, dtype=torch.long))
    z = maps.mean((1, 2)) + model.head.bias.detach()  # the average of the map decides
    torch.testing.assert_close(z, out.logits[:, 1])
    other = explainer("cam")(model, images, torch.zeros(3, dtype=torch.long))
    assert torch.equal(other, -maps)
