"""The check of the maps before an audit: silent on honest models, one clear line on hooks and models that lie."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from click.testing import CliRunner
from torch import Tensor, nn
from two_headed import Net

import xaiaudit
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.map_check import _difference, check_maps
from xaiaudit.auditing.merge import _map_differences
from xaiaudit.auditing.plan import PlannedImage
from xaiaudit.auditing.pointing_table import pointing_report
from xaiaudit.cli import main
from xaiaudit.data import open_dataset
from xaiaudit.errors import AuditError
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models import AuditedModel
from xaiaudit.models.prepared import prepared
from xaiaudit.records import AuditRecord
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=32, channels=1, mean=(0.0,), std=(1.0,))


class OfTheBatch(Net):
    def features(self, x: Tensor) -> Tensor:
        kept = super().features(x)
        return kept / kept.mean(0, keepdim=True).clamp(min=1e-3)


class Drawn(Net):
    def features(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(super().features(x), 0.5, training=True)


class Counting(Net):
    def features(self, x: Tensor) -> Tensor:
        self.calls = getattr(self, "calls", 0) + 1
        return super().features(x) * torch.linspace(1, self.calls, 8)[:, None, None]


def loaded() -> Loaded:
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    planned = [PlannedImage(name=f"{i}.png", part=0, index=i, sha256="", case="", seed=i) for i in range(2)]
    valid = torch.ones_like(images, dtype=torch.bool)
    unused: dict[str, Any] = {field.name: None for field in fields(Loaded)}
    return Loaded(**unused | {"planned": planned, "images": images, "valid": valid})


def check(net: nn.Module, name: str, **parameters: Any) -> None:
    model = AuditedModel(net, preprocessing=GREY)
    with prepared(model):
        check_maps(model, loaded(), {name: explainer(name, **parameters)})


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_passes_on_an_honest_network(name: str) -> None:
    check(Net(), name)


@pytest.mark.parametrize(
    "architecture", ["densenet121", "mobilenet_v2"]
)  # functional and module, both in place
def test_real_networks_pass(architecture: str) -> None:
    torch.manual_seed(0)
    net = getattr(torchvision.models, architecture)(num_classes=1)
    model = AuditedModel(net, preprocessing=Preprocessing(size=64))
    names = ("grad-cam", "grad-cam++", "layercam", "eigen-cam")
    batch = loaded()
    with prepared(model):
        check_maps(model, batch, {name: explainer(name) for name in names})


@pytest.mark.parametrize("name", ["grad-cam", "xgrad-cam", "eigen-cam"])  # layercam's is the same either way
def test_a_hook_that_keeps_what_the_network_goes_on_to_change_stops_the_audit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(Net(), name, layer="last")

    def naive(kept: dict[str, Tensor], layer: str, _m: nn.Module, _i: object, output: Tensor) -> Tensor:
        if torch.is_grad_enabled() and not output.requires_grad:
            output = output.requires_grad_() * 1  # so that what follows may change it in place
        kept[layer] = output
        return output

    monkeypatch.setattr("xaiaudit.models.features._keep", naive)
    with pytest.raises(
        AuditError, match=rf"the {name} map of 0.png differs by \d+% .* cannot be trusted"
    ) as caught:
        check(Net(), name, layer="last")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("net", [OfTheBatch, Drawn, Counting])
@pytest.mark.parametrize("name", ["grad-cam", "smoothgrad"])
def test_a_network_that_depends_on_more_than_the_image_stops_the_audit(
    net: type[nn.Module], name: str
) -> None:
    with pytest.raises(AuditError, match="depends on nothing but the image"):
        check(net(), name)


def test_maps_are_compared_by_length_and_undefined_ones_are_equal() -> None:
    a = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert _difference(a, a) == 0
    assert _difference(a, np.zeros_like(a)) == 1
    assert _difference(np.zeros_like(a), np.zeros_like(a)) == 0
    assert _difference(a, a * 0.98) == pytest.approx(0.02)
    assert _difference(a * np.nan, a * np.nan) == 0
    assert _difference(a * np.nan, a) == np.inf


def test_an_audit_of_such_a_network_ends_before_any_attack(phantoms: Path, tmp_path: Path) -> None:
    model = AuditedModel(OfTheBatch(), preprocessing=GREY)
    with pytest.raises(AuditError, match="cannot be trusted"):
        xaiaudit.audit(model, open_dataset(phantoms), ["fgsm"], ["grad-cam"], out=tmp_path / "audit", limit=3)
    assert not list((tmp_path / "audit").glob("**/*.parquet"))


def test_no_pointing_game_is_played_with_such_maps(phantoms: Path) -> None:
    model = AuditedModel(OfTheBatch(), preprocessing=GREY)
    with pytest.raises(AuditError, match="cannot be trusted"):
        pointing_report(model, open_dataset(phantoms), [("grad-cam", {})])


def test_the_command_ends_with_2(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xaiaudit.auditing.map_check.TOLERANCE", -1.0)
    done = CliRunner().invoke(
        main,
        ["attack", str(checkpoint), "--method", "fgsm", "--limit", "2", "--out", str(tmp_path / "audit")],
    )
    assert done.exit_code == 2
    assert "cannot be trusted" in done.output


def test_the_largest_difference_of_each_explainer_is_recorded(
    audit_folder: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = AuditRecord.model_validate_json((audit_folder / "audit.json").read_bytes())
    assert set(record.map_differences) == {"grad-cam", "cam"}
    assert all(0 <= value <= 0.01 for value in record.map_differences.values())
    found = iter((0.004, 0.002))  # of two images
    monkeypatch.setattr("xaiaudit.auditing.map_check._difference", lambda *_: next(found))
    model = AuditedModel(Net(), preprocessing=GREY, cam_layer="act")
    asked = {"curve": False, "checks": 0, "gallery": 0, "acquisition": (), "limit": 2}
    short = xaiaudit.audit(
        model, open_dataset(phantoms), ["fgsm:steps=1"], ["grad-cam"], out=tmp_path / "a", **asked
    )
    assert short is not None
    assert short.map_differences == {"grad-cam": 0.004}
    old = record.model_dump(exclude={"map_differences"})
    assert AuditRecord.model_validate(old).map_differences == {}


def test_of_several_runs_the_largest_difference_is_told_and_old_shards_have_none() -> None:
    markers = [{"map_differences": {"cam": 2e-3}}, {}, {"map_differences": {"cam": 1e-6, "grad-cam": 3e-6}}]
    assert _map_differences(markers) == {"cam": 2e-3, "grad-cam": 3e-6}
