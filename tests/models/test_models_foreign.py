"""Weights of others: everything unsaid is asked for at once, everything changed is told."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from xaiaudit.errors import CheckpointError, UsageError
from xaiaudit.models import AuditedModel, ForeignOptions, convert, load
from xaiaudit.models.small_cnn import SmallCNN
from xaiaudit.types import Preprocessing

SAID = ForeignOptions(
    arch="small-cnn",
    classes=("benign", "malignant"),
    positive="malignant",
    size=32,
    mode="stretch",
    mean=(0.5,),
    std=(0.25,),
    threshold=0.4,
)
GREY = Preprocessing(size=32, mode="stretch", channels=1, mean=(0.5,), std=(0.25,))


def _wrapped(state: dict[str, Any], how: str) -> dict[str, Any]:
    if how in ("state_dict", "model", "model_state_dict"):
        return {how: state, "epoch": 3}
    return {f"{how}{key}": value for key, value in state.items()}


@pytest.mark.parametrize(
    "how", ["", "state_dict", "model", "model_state_dict", "module.", "model.", "model.module."]
)
def test_every_usual_wrapping_is_undone_and_told(tmp_path: Path, how: str) -> None:
    net = SmallCNN(2, 1)
    torch.save(_wrapped(net.state_dict(), how), tmp_path / "w.pth")
    info = convert(tmp_path / "w.pth", SAID, tmp_path / "m.pt")
    assert len(info.notes) == (how.count(".") or (how != ""))
    model = load(tmp_path / "m.pt")
    images = torch.rand(2, 1, 32, 32)
    assert torch.equal(model(images).logits, AuditedModel(net, preprocessing=GREY)(images).logits)
    assert model.preprocessing == GREY
    assert model.threshold == 0.4
    assert model.info is not None
    assert info.sha256 in model.info.weights


def test_the_same_options_serve_a_load(tmp_path: Path) -> None:
    net = SmallCNN(2, 1)
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    model = load(tmp_path / "w.safetensors", foreign=SAID)
    assert torch.equal(model.net.head.weight, net.head.weight)
    assert model.info is not None
    assert model.info.format == "safetensors"


def test_everything_unsaid_is_listed_together(tmp_path: Path) -> None:
    torch.save(SmallCNN(2, 1).state_dict(), tmp_path / "w.pth")
    with pytest.raises(UsageError, match=r"add --positive, --size, --mean, --std, --threshold$") as caught:
        load(tmp_path / "w.pth", foreign=ForeignOptions(arch="small-cnn", classes=("a", "b")))
    assert "\n" not in str(caught.value)


def test_a_sigmoid_head_is_seen_in_the_weights(tmp_path: Path) -> None:
    net = torchvision.models.resnet18(num_classes=1)
    torch.save(net.state_dict(), tmp_path / "w.pth")
    said = ForeignOptions(
        arch="resnet18",
        classes=("benign", "malignant"),
        positive="malignant",
        size=64,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        threshold=0.5,
    )
    info = convert(tmp_path / "w.pth", said, tmp_path / "m.pt")
    assert info.arguments["logits"] == 1
    assert "mode not said" in info.notes[-1]
    model = load(tmp_path / "m.pt")
    assert model.one_logit
    assert model.preprocessing.mean == (0.5, 0.5, 0.5)
    images = torch.rand(2, 1, 64, 64)
    z = net.eval()(model.normalise(images))
    torch.testing.assert_close(model(images).logits, torch.cat((torch.zeros_like(z), z), 1))


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    torch.save(SmallCNN(3, 1).state_dict(), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"2 of another shape \(head.weight \(3, 64\) for \(2, 64\)"):
        convert(tmp_path / "w.pth", SAID, tmp_path / "m.pt")
    assert not (tmp_path / "m.pt").exists()


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "loss": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="1 tensors among 2 entries"):
        load(tmp_path / "w.pth", foreign=SAID)
