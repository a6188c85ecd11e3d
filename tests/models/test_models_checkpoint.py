"""Checkpoints: what is saved comes back bit for bit; what is unsafe or damaged is refused in one line."""

import io
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import SMALL_ARGUMENTS
from torch import nn

from xaiaudit.errors import CheckpointError, UsageError
from xaiaudit.models import MODELS, AuditedModel, ForeignOptions, build, inspect_file, load, save
from xaiaudit.models.small_cnn import SmallCNN
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=32, channels=1, mean=(0.5,), std=(0.25,))
TRAINING = {
    "seed": 3,
    "split": {"train": [{"file": "a.png", "case": "1", "sha256": "0"}] * 2, "validation": [], "test": []},
    "fingerprints": {"train": ["00ff"]},
    "metrics": {"auc": 0.9},
}


def _saved(path: Path, **options: Any) -> AuditedModel:
    model = AuditedModel(SmallCNN(2, 1), preprocessing=GREY, threshold=0.3)
    save(model, path, architecture="small-cnn", **options)
    return model


def _refused(path: Path, words: str, **options: Any) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        load(path, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("name", MODELS)
def test_every_built_in_comes_back_bit_for_bit(name: str, suffix: str, tmp_path: Path) -> None:
    net = build(name, classes=2, channels=1, **SMALL_ARGUMENTS.get(name, {}))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
    model = AuditedModel(net, classes=("malignant", "benign"), preprocessing=GREY, threshold=0.3)
    path = tmp_path / f"model{suffix}"
    save(model, path, architecture=name, arguments=SMALL_ARGUMENTS.get(name, {}), training=TRAINING)
    again = load(path)
    images = torch.rand(2, 1, 32, 32)
    before, after = model(images), again(images)
    assert torch.equal(before.logits, after.logits)
    assert (before.mask_logits is None) == (after.mask_logits is None)
    if before.mask_logits is not None and after.mask_logits is not None:
        assert torch.equal(before.mask_logits, after.mask_logits)
    for attribute in ("classes", "positive", "threshold", "preprocessing", "cam_layer", "one_logit"):
        assert getattr(model, attribute) == getattr(again, attribute), attribute
    assert again.info is not None
    assert again.info.training == TRAINING
    assert again.info.format == suffix[1:]
    assert again.info.sha256 == inspect_file(path)["sha256"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing half-written stays


def test_a_bare_network_says_all_of_itself(tmp_path: Path) -> None:
    net = SmallCNN(1, 1)
    with pytest.raises(UsageError, match="say its classes, positive, preprocessing, threshold too"):
        save(net, tmp_path / "m.pt", architecture="small-cnn")
    save(
        net,
        tmp_path / "m.pt",
        architecture="small-cnn",
        arguments={"logits": 1},
        classes=("benign", "malignant"),
        positive="malignant",
        preprocessing=GREY,
        threshold=0.4,
    )
    assert load(tmp_path / "m.pt").one_logit
    model = AuditedModel(SmallCNN(2, 1), classes=("malignant", "benign"), preprocessing=GREY)
    with pytest.raises(UsageError, match="not in the order of the network's outputs, malignant, benign"):
        save(model, tmp_path / "m.pt", architecture="small-cnn", classes=model.classes)


def test_no_such_file(tmp_path: Path) -> None:
    _refused(tmp_path / "none.pt", "no such file")
    _refused(tmp_path, "cannot be read")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_truncated_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    _saved(path)
    data = path.read_bytes()
    for part in (len(data) - 100, len(data) // 2, 1000, 3, 0):
        path.write_bytes(data[:part])
        _refused(path, "truncated|damaged|copy it again")


class Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("writer", ["torch", "torch-old", "pickle", "pickle-2"])
def test_code_in_a_pickle_is_refused_named_and_not_run(tmp_path: Path, writer: str) -> None:
    target, path = tmp_path / "ran", tmp_path / "model.pt"
    content = {"weight": torch.zeros(2), "evil": Payload(target)}
    if writer.startswith("torch"):
        torch.save(content, path, _use_new_zipfile_serialization=writer == "torch")
    else:
        path.write_bytes(pickle.dumps(content["evil"], protocol=2 if writer == "pickle-2" else 5))
    _refused(path, r"asks for (posix|nt|os)\.system; re-save.*--trust-pickle")
    found = inspect_file(path)
    assert (found["safe"], found["kind"]) == (False, "pickle")
    assert any(name.endswith(".system") for name in found["globals"])
    assert not target.exists()


def test_a_whole_pickled_module_needs_trust(tmp_path: Path) -> None:
    net = SmallCNN(2, 1)
    torch.save(net, tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", "xaiaudit.models.small_cnn.SmallCNN")
    said = ForeignOptions(
        classes=("benign", "malignant"),
        positive="malignant",
        size=32,
        mean=(0.5,),
        std=(0.25,),
        threshold=0.5,
    )
    model = load(tmp_path / "m.pt", trust_pickle=True, foreign=said)
    assert model.info is not None
    assert "trusted" in model.info.loaded
    images = torch.rand(2, 1, 32, 32)
    assert torch.equal(model(images).logits, AuditedModel(net, preprocessing=GREY)(images).logits)


def test_code_named_as_an_architecture_is_not_run_unasked(tmp_path: Path) -> None:
    target, path = tmp_path / "ran", tmp_path / "m.pt"
    _saved(path)
    content = torch.load(path, weights_only=True)
    content["xaiaudit"] |= {"architecture": "os:system", "arguments": {"command": f"touch {target}"}}
    torch.save(content, path)
    _refused(path, "asks for the code os:system")
    assert not target.exists()


def test_code_named_as_a_backbone_is_not_run_either(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    _saved(path)
    content = torch.load(path, weights_only=True)
    content["xaiaudit"] |= {"architecture": "thesis-mtl", "arguments": {"backbone": "os:getcwd"}}
    torch.save(content, path)
    _refused(path, "backbone 'os:getcwd'")


def test_a_state_dict_is_no_checkpoint_of_ours(tmp_path: Path) -> None:
    torch.save(SmallCNN(2, 1).state_dict(), tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", "26 tensors among 26 entries .* `xaiaudit convert`, or with --arch")
    torch.save([1, 2], tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", "it holds a list")


def test_another_architecture(tmp_path: Path) -> None:
    _saved(tmp_path / "m.pt")
    _refused(
        tmp_path / "m.pt",
        r"read as resnet18, does not fit ResNet: of its 122 tensors \d+ missing \(conv1.weight.*unexpected",
        foreign=ForeignOptions(arch="resnet18"),
    )


def test_what_the_caller_says_comes_before_what_the_file_says(tmp_path: Path) -> None:
    _saved(tmp_path / "m.pt")
    assert load(tmp_path / "m.pt").threshold == 0.3
    assert load(tmp_path / "m.pt", foreign=ForeignOptions(threshold=0.6)).threshold == 0.6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 99}, "checkpoint format 99, this xaiaudit reads up to 1"),
        ({"classes": None}, "lacks classes"),
        ({"positive": "x"}, "positive class 'x'"),
        ({"preprocessing": {"size": 32, "channels": 2, "mean": [0.5], "std": [0.5]}}, "one value for each"),
        ({"architecture": "smal-cnn"}, "nearest are small-cnn"),
        ({"arguments": {"weights": "default"}}, "multiple values for keyword argument 'weights'"),
        ({"arguments": {"classes": 3}}, "of another shape"),
        ({"cam_layer": "x"}, "no layer 'x'"),
    ],
)
def test_a_description_that_cannot_be_followed(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "m.pt"
    _saved(path)
    content = torch.load(path, weights_only=True)
    content["xaiaudit"] |= change
    torch.save(content, path)
    _refused(path, words)


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    model = _saved(tmp_path / "m.pt")
    content = torch.load(tmp_path / "m.pt", weights_only=True)
    content["weights"]["head.bias"][0] = float("nan")
    torch.save(content, tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", r"NaN or infinite values \(head.bias\)")
    model.net.head.bias.data[0] = float("inf")
    with pytest.raises(CheckpointError, match=r"head\.bias"):
        save(model, tmp_path / "new.pt", architecture="small-cnn")
    assert not (tmp_path / "new.pt").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        _saved(tmp_path / "none" / "m.pt")
    with pytest.raises(UsageError, match="ends in"):
        _saved(tmp_path / "m.ckpt")


def test_the_file_is_tensors_and_plain_values(tmp_path: Path) -> None:
    _saved(tmp_path / "m.pt", training={"shape": (1, 2)})
    content = torch.load(io.BytesIO((tmp_path / "m.pt").read_bytes()), weights_only=True)
    assert content["xaiaudit"]["cam_layer"] == "features"
    assert content["xaiaudit"]["training"] == {"shape": [1, 2]}


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_inspect_tells_without_running(tmp_path: Path, suffix: str) -> None:
    model = _saved(tmp_path / f"m{suffix}", training=TRAINING)
    found = inspect_file(tmp_path / f"m{suffix}")
    assert found["kind"] == "xaiaudit checkpoint"
    assert found["parameters"] == sum(parameter.numel() for parameter in model.net.parameters())
    assert found["tensors"] == len(model.net.state_dict())
    assert found["threshold"] == 0.3
    assert found["classes"] == ["benign", "malignant"]
    assert found["preprocessing"]["size"] == 32
    assert found["training"]["split"] == {"train": 2, "validation": 0, "test": 0}
    assert found["training"]["metrics"] == {"auc": 0.9}
    assert "fingerprints" not in found["training"]


def test_inspect_other_files(tmp_path: Path) -> None:
    torch.save({"state_dict": SmallCNN(2, 1).state_dict(), "epoch": 3}, tmp_path / "s.pt")
    assert inspect_file(tmp_path / "s.pt")["kind"] == "state dict"
    torch.save([1, 2], tmp_path / "l.pt")
    assert inspect_file(tmp_path / "l.pt")["kind"] == "other"
    (tmp_path / "x.pt").write_bytes(b"\x89PNG nothing of the kind")
    with pytest.raises(CheckpointError, match="truncated or no file"):
        inspect_file(tmp_path / "x.pt")
