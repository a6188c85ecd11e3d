"""Architectures by name: every family gets its head, its channels, its CAM layer."""

import sys
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from small_models import SMALL_ARGUMENTS
from torch import nn

from xaiaudit.errors import CheckpointError, UsageError
from xaiaudit.models import MODELS, AuditedModel, architectures, build
from xaiaudit.models.weights import adapt_rgb, head_name
from xaiaudit.types import Preprocessing

# name, CAM layer, whether CAM is exact (global average pooling and one linear layer)
FAMILIES = [
    ("resnet18", "layer4", True),
    ("densenet121", "features", True),
    ("mobilenet_v2", "features", True),
    ("mobilenet_v3_small", "features", False),
    ("efficientnet_b0", "features", True),
    ("squeezenet1_1", "classifier.2", False),
    ("shufflenet_v2_x0_5", "conv5", True),
    ("mnasnet0_5", "layers", True),
    ("regnet_y_400mf", "trunk_output", True),
    ("googlenet", "inception5b", True),
    ("convnext_tiny", "features", False),
    ("timm:resnet18", "layer4", True),
    ("timm:densenet121", "features", True),
    ("timm:tf_efficientnet_b0", "bn2", True),
    ("timm:mobilenetv3_small_050", "blocks", False),
    ("timm:convnext_atto", "stages", False),
    ("timm:regnetx_002", "s4", True),
]


def _grey(size: int = 64, channels: int = 1) -> Preprocessing:
    return Preprocessing(size=size, channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("classes", "logits", "channels"), [(2, None, 3), (2, 1, 1), (3, None, 1)])
def test_every_built_in_builds_and_runs(name: str, classes: int, logits: int | None, channels: int) -> None:
    entry = MODELS[name]
    if classes == 3 and "class" not in entry.heads:
        with pytest.raises(UsageError, match="decides between no lesion and lesion, got 3 classes"):
            build(name, classes=classes, channels=channels, logits=logits, **SMALL_ARGUMENTS.get(name, {}))
        return
    if classes == 3 and "boxes" in entry.heads:
        with pytest.raises(UsageError, match="benign and malignant lesions, got 3 logits"):
            build(name, classes=classes, channels=channels, logits=logits, **SMALL_ARGUMENTS.get(name, {}))
        return
    net = build(name, classes=classes, channels=channels, logits=logits, **SMALL_ARGUMENTS.get(name, {}))
    names = ("benign", "malignant", "normal")[:classes]
    model = AuditedModel(net, classes=names, preprocessing=_grey(channels=channels))
    out = model(torch.rand(2, 1, 64, 64))
    assert out.logits.shape == (2, classes)
    assert model.has_mask == ("mask" in entry.heads)
    assert model.draws_boxes == ("boxes" in entry.heads) == (out.boxes is not None)
    one = logits == 1 or (entry.one_logit and classes == 2)
    assert model.one_logit == one or "class" not in entry.heads
    assert model.cam_layer is not None
    assert (model.head is not None) == entry.exact_cam
    if entry.exact_cam:
        assert model.head_weights().shape[0] == classes


@pytest.mark.parametrize(("name", "layer", "exact"), FAMILIES)
def test_every_family_gets_its_cam_layer_and_head(name: str, layer: str, exact: bool) -> None:
    model = AuditedModel(build(name, classes=2, channels=1), preprocessing=_grey())
    assert model.cam_layer == layer
    assert (model.head is not None) == exact
    out = model(torch.rand(2, 1, 64, 64), layers=(layer,))
    assert out.logits.shape == (2, 2)
    if exact:
        pooled = out.features[layer].mean((2, 3))
        torch.testing.assert_close(pooled @ model.head_weights().T + model.head.bias, out.logits)


def test_densenet_computes_what_torchvision_computes() -> None:
    net = build("densenet121", classes=2, channels=3).eval()
    plain = torchvision.models.densenet121(num_classes=2).eval()
    plain.load_state_dict(net.state_dict())
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(net(images), plain(images))


def test_one_channel_sums_the_filters_so_that_grey_gives_the_same(tmp_path: Path) -> None:
    colour = torchvision.models.mobilenet_v2(num_classes=1000).eval()
    torch.save(colour.state_dict(), tmp_path / "w.pth")
    grey = build("mobilenet_v2", classes=2, channels=1, weights=str(tmp_path / "w.pth")).eval()
    images = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(grey.features(images), colour.features(images.expand(-1, 3, -1, -1)))
    assert grey.classifier[1].out_features == 2


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_adapted_filters_keep_their_response_to_a_constant(channels: int) -> None:
    weight = torch.ones(5, 3, 3, 3)
    adapted = adapt_rgb(weight, channels)
    assert adapted.shape == (5, channels, 3, 3)
    torch.testing.assert_close(adapted.sum(1), weight.sum(1))


def test_weights_are_loaded_but_for_the_head_and_nothing_else_may_differ(tmp_path: Path) -> None:
    state = torchvision.models.resnet18().state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "w.pth")
    net = build("resnet18", classes=2, channels=3, weights=str(tmp_path / "w.pth"))
    assert torch.equal(net.layer4[1].conv2.weight, state["layer4.1.conv2.weight"])
    del state["layer1.0.conv1.weight"]
    state["extra"] = torch.zeros(1)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"1 missing \(layer1.0.conv1.weight\); 1 unexpected \(extra\)"):
        build("resnet18", classes=2, channels=3, weights=str(tmp_path / "w.pth"))


def test_old_densenet_files_fit(tmp_path: Path) -> None:
    state = torchvision.models.densenet121().state_dict()
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in state.items()
    }
    assert set(old) != set(state)
    torch.save(old, tmp_path / "w.pth")
    net = build("densenet121", classes=2, channels=3, weights=str(tmp_path / "w.pth"))
    assert torch.equal(net.features.norm5.weight, state["features.norm5.weight"])


def test_timm_weights_come_from_a_file_too(tmp_path: Path) -> None:
    source = timm.create_model("resnet18", num_classes=1000)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    net = build("timm:resnet18", classes=2, channels=1, weights=str(tmp_path / "w.pth"))
    torch.testing.assert_close(net.conv1.weight, source.conv1.weight.sum(1, keepdim=True))


def test_real_weights_load(test_data: Path) -> None:
    path = test_data.parent / "weights" / "mobilenet_v2_imagenet_bnfolded.pth"
    if not path.exists():
        pytest.skip(f"no weights beside the images: {path.name}")
    net = build("mobilenet_v2", classes=2, channels=3, weights=str(path))
    state = torch.load(path, weights_only=True)
    own = net.state_dict()
    same = [key for key in state if own[key].shape == state[key].shape and torch.equal(own[key], state[key])]
    assert len(same) == len(state) - 2  # the head's weight and bias


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet51", {}, "nearest are resnet50"),
        ("timm:resnet51", {}, "unknown timm architecture 'resnet51': the nearest are resnet51q"),
        ("smal-cnn", {}, "nearest are small-cnn"),
        ("no.such.module:net", {}, "cannot be imported"),
        ("resnet18", {"depth": 3}, "does not take the arguments"),
        ("resnet18", {"logits": 3}, "cannot decide between 2 classes"),
        ("small-cnn", {"weights": "default"}, "no pretrained weights"),
        ("unet-mtl", {"widht": 8}, "does not take the argument 'widht'; it takes width"),
        ("unet-mtl", {"width": "8 or so"}, "takes width as a whole number, got '8 or so'; the default is 32"),
        ("thesis-mtl", {"transposed": "no"}, "takes transposed as true or false, got 'no'"),
        ("small-cnn", {"width": 8}, "it takes none"),
        ("timm:resnet18", {"checkpoint_path": "x"}, "weights are named by weights alone"),
        ("thesis-mtl", {"backbone": "timm:vit_tiny_patch16_224"}, "no feature maps to decode"),
    ],
)
def test_names_and_arguments_that_do_not_fit(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        build(name, classes=2, channels=3, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_factory_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net_for_tests.py").write_text(
        "from torch import nn\n\n\ndef net(width):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(width, 2))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    net = build("own_net_for_tests:net", classes=2, channels=1, width=9)
    assert net(torch.rand(1, 1, 3, 3)).shape == (1, 2)
    sys.modules.pop("own_net_for_tests")


def test_every_torchvision_classifier_is_known() -> None:
    names = architectures()
    assert {"small-cnn", "thesis-mtl", "resnet50", "vit_b_16", "convnext_tiny"} <= set(names)
    assert not {"fcn_resnet50", "fasterrcnn_resnet50_fpn"} & set(names)


@pytest.mark.parametrize(
    "name", ["resnet18", "vgg11", "squeezenet1_1", "swin_t", "mobilenet_v2", "densenet121"]
)
def test_the_head_is_found_by_name(name: str) -> None:
    with torch.device("meta"):
        net = torchvision.models.get_model(name, num_classes=7)
    head = net.get_submodule(head_name(net) or "")
    assert isinstance(head, nn.Linear | nn.Conv2d)
    assert head.weight.shape[0] == 7
