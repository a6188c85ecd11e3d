"""The attack on the explanation through a whole audit: its success is the audit's own silent shift."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

import xaiaudit
from xaiaudit.attacks.registry import attack
from xaiaudit.auditing.audited_maps import AuditedMaps
from xaiaudit.auditing.self_checks.scope import kind
from xaiaudit.data import open_dataset
from xaiaudit.errors import UsageError
from xaiaudit.metrics.extremes import vanished
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.pointing import peak_state
from xaiaudit.metrics.silent_shift import moved
from xaiaudit.models import AuditedModel, build
from xaiaudit.records import AuditRecord
from xaiaudit.reports.summary import summary
from xaiaudit.types import Preprocessing

METHODS = (
    "fgsm:epsilon=8/255,steps=3",
    "map-shift:epsilon=8/255,steps=10",
    "map-shift:goal=joint,epsilon=0.1,steps=8",
)


@pytest.fixture(scope="module")
def audited(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditRecord, Path]:
    out = tmp_path_factory.mktemp("map-shift") / "audit"
    record = xaiaudit.audit(
        xaiaudit.load(checkpoint),
        None,
        METHODS,
        criteria=("leave-decision", "true-label"),
        out=out,
        limit=8,
        checks=3,
    )
    assert record is not None
    return record, out


def test_it_is_made_once_for_its_own_goal(audited: tuple[AuditRecord, Path]) -> None:
    record, _ = audited
    goals = {item.id: (item.criterion_name, item.criterion) for item in record.attacks}
    assert goals == {
        "fgsm": ("leave-decision", "leave the clean decision"),
        "map-shift": ("shift-map", "move the map and keep the decision"),
        "map-shift-2": ("shift-map", "move the map and leave the clean decision"),
        "fgsm-true-label": ("true-label", "decide against the true label"),
    }


def test_what_it_reached_is_the_silent_shift_of_the_tables(audited: tuple[AuditRecord, Path]) -> None:
    record, out = audited
    predictions = pq.read_table(out / "predictions.parquet").to_pylist()
    reached = {
        row["image"]: row["reached"]
        for row in predictions
        if row["attack_id"] == "map-shift" and not row["curve"] and not row["quantised"]
    }
    silent = {
        row["image"]: row["silent_shift"]
        for row in pq.read_table(out / "maps.parquet").to_pylist()
        if (row["attack_id"], row["explainer_id"], row["target"]) == ("map-shift", "grad-cam", "same")
    }
    assert reached == {image: bool(value) for image, value in silent.items()}
    assert any(reached.values())
    kept = [row for row in predictions if row["attack_id"] == "map-shift" and not row["curve"]]
    assert sum(row["flipped"] for row in kept if not row["quantised"]) == 0
    (own,) = (item for item in record.attacks if item.id == "map-shift")
    assert own.failed == 0
    assert "grad-cam" in own.summary


def test_its_curve_rises_and_counts_shifts(audited: tuple[AuditRecord, Path]) -> None:
    record, _ = audited
    (own,) = (item for item in record.attacks if item.id == "map-shift")
    rates = [point.reached.estimate for point in own.curve]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_the_self_checks_expect_no_flips_of_it(audited: tuple[AuditRecord, Path]) -> None:
    record, _ = audited
    assert kind(attack("map-shift")) == "none"
    assert {check.attack_id for check in record.checks} == {None, "fgsm", "fgsm-true-label"}


def test_the_summary_tells_it_beside_the_label_attacks(audited: tuple[AuditRecord, Path]) -> None:
    lines = summary(audited[0])
    told = [line for line in lines if "move the map and keep the decision: reached in" in line]
    assert told
    assert told[0].split()[0] == "map-shift"
    assert xaiaudit.write_report(audited[1]).read_bytes().startswith(b"%PDF")


def test_what_does_not_fit_is_refused_before_anything_is_read(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    model = xaiaudit.load(checkpoint)
    with pytest.raises(UsageError, match="shift-map comes with the attack map-shift"):
        xaiaudit.audit(model, None, ["fgsm"], criteria=["shift-map"], out=tmp_path / "a")
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2)
    )
    headless = AuditedModel(net, preprocessing=Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,)))
    with pytest.raises(UsageError, match="CAM needs global average pooling"):
        xaiaudit.audit(headless, open_dataset(phantoms), ["map-shift:explainer=cam"], out=tmp_path / "b")
    assert not (tmp_path / "b").exists()  # nothing was planned


def test_a_criterion_that_no_attack_is_after_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="no attack here can be after true-label: map-shift has a goal of its own"
    ):
        xaiaudit.audit(
            xaiaudit.load(checkpoint),
            None,
            ["map-shift"],
            criteria=("true-label",),
            out=tmp_path / "a",
            limit=2,
        )


@pytest.mark.parametrize(
    ("explainers", "told"),
    [(["grad-cam"], True), (["grad-cam", "grad-cam:layer=features.1"], False)],
)
def test_maps_that_are_attacked_and_not_compared_are_told(
    checkpoint: Path, explainers: list[str], told: bool, tmp_path: Path
) -> None:
    record = xaiaudit.audit(
        xaiaudit.load(checkpoint), None, ["map-shift:layer=features.1,steps=1"], explainers, acquisition=(),
        out=tmp_path / "a", limit=2, checks=0, curve=False,
    )  # fmt: skip
    assert record is not None
    found = [line for line in record.warnings if "not among the maps of this audit" in line]
    assert len(found) == told
    assert all("--explainer grad-cam:layer=features.1" in line for line in found)


def test_moved_is_the_column_of_the_tables() -> None:
    generator = np.random.default_rng(0)
    n = 60
    before, after = (generator.normal(size=(n, 5, 4)).astype(np.float32) ** 3 for _ in range(2))
    after[:3], before[3:5] = 0.0, -1.0
    after[5:20] = before[5:20] + 0.1 * after[5:20]
    codes = generator.integers(0, 5, (n, 20, 16)).astype(np.uint8)
    spacing = np.where(generator.random((n, 1)) < 0.5, 0.4, np.nan) * np.ones((1, 2))
    has_lesion = generator.random(n) < 0.8

    for signed in (False, True):
        maps = AuditedMaps(codes, has_lesion, spacing)
        rows = torch.randperm(n, generator=torch.Generator().manual_seed(1))[:40]
        asked = maps.moved(torch.from_numpy(before)[rows], torch.from_numpy(after)[rows], rows, signed=signed)
        shift = map_shift(before, after, codes, has_lesion, spacing, signed=signed)
        states = [peak_state(some, codes, has_lesion, signed=signed) for some in (before, after)]
        table = moved(
            *states,
            shift["mass_centre_mm"],
            shift["mass_centre_diagonal"],
            vanished(before, after, signed=signed),
        )
        known = maps.defined(torch.from_numpy(before), signed=signed).numpy()[rows]
        assert np.array_equal(asked.numpy()[known], table[rows][known])
        assert 0 < asked.sum() < 40


@pytest.mark.parametrize("explainer", ["cam", "grad-cam"])
def test_real_images_shift_farther_than_under_noise(test_data: Path, tmp_path: Path, explainer: str) -> None:
    torch.manual_seed(0)
    model = AuditedModel(
        build("small-cnn", classes=2, channels=1),
        preprocessing=Preprocessing(size=96, channels=1, mean=(0.3,), std=(0.2,)),
    )
    attacks = [
        f"map-shift:explainer={explainer},epsilon=4/255,steps=20",
        "noise:epsilon=4/255,restarts=1",
    ]
    record = xaiaudit.audit(
        model,
        open_dataset(test_data / "busi"),
        attacks,
        [explainer],
        out=tmp_path / "a",
        limit=6,
        acquisition=(),
        curve=False,
        checks=0,
    )
    assert record is not None
    assert record.attacks[0].flips.estimate == 0
    moved, blind = (
        item.shift["mass_centre_diagonal"].median for item in record.maps if item.target == "same"
    )
    assert moved is not None
    assert blind is not None
    assert moved > 3 * blind


class Bright(nn.Module):
    """Malignant where the mean is above a level; the benign logit is constant, so its Grad-CAM is zero throughout."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.features, self.pool = nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.features.weight.fill_(1.0)
            self.head.weight.copy_(torch.tensor([[0.0], [10.0]]))
            self.head.bias.copy_(torch.tensor([0.0, -10.0 * level]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.features(x)).flatten(1))


def test_an_image_without_a_clean_map_is_none_that_it_applies_to(phantoms: Path, tmp_path: Path) -> None:
    plain = Preprocessing(size=32, channels=1, mean=(0.0,), std=(1.0,))
    dataset = open_dataset(phantoms)
    shades = sorted(float(dataset[i].image.mean()) / 255 for i in range(6))
    model = AuditedModel(
        Bright((shades[2] + shades[3]) / 2), preprocessing=plain, cam_layer="features", head="head"
    )
    record = xaiaudit.audit(
        model,
        dataset,
        ["map-shift:steps=2"],
        ["grad-cam"],
        out=tmp_path / "a",
        limit=6,
        checks=0,
        acquisition=(),
    )
    assert record is not None
    rows = pq.read_table(tmp_path / "a" / "predictions.parquet").to_pylist()
    own = [row for row in rows if row["attack_id"] == "map-shift"]
    assert all(row["applicable"] is (row["decision_clean"] == "malignant") for row in own)
    (attack_record,) = record.attacks
    assert 0 < attack_record.applicable < 6
    assert {attack_record.reached.n, *(point.reached.n for point in attack_record.curve)} == {
        attack_record.applicable
    }
