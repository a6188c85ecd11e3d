"""Killed, resumed, sharded, leaking, unreadable: what happens to an audit on the way."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

import xaiaudit
from xaiaudit.audit_files import table_digests
from xaiaudit.auditing import AuditFolder, make_plan, merge, read_plan
from xaiaudit.auditing.selection import choose_data
from xaiaudit.data import open_dataset, prepare, stack
from xaiaudit.errors import AuditError, DataError, UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.models.execution import deterministic
from xaiaudit.records import AuditRecord
from xaiaudit.types import Preprocessing

TABLES = ("predictions.parquet", "maps.parquet", "acquisition.parquet", "shift_by_case.csv")
METHODS = ("fgsm:steps=5", "pgd:steps=5")
WHOLE = {"curve": True, "acquisition": None}  # of what the tables can hold, where tables are compared
SMALL = Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))


def run(checkpoint: Path, out: Path, **options: object) -> AuditRecord | None:
    model = xaiaudit.load(checkpoint)
    return xaiaudit.audit(
        model,
        choose_data(model),
        METHODS,
        out=out,
        **({"batch_size": 4, "gallery": 1, "checks": 4, "curve": False, "acquisition": ()} | options),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def undisturbed(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "audit"
    run(checkpoint, out, **WHOLE)
    return out


def same_tables(one: Path, other: Path) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in TABLES)


def test_a_killed_audit_resumes_to_byte_identical_tables(
    checkpoint: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    words = [word for method in METHODS for word in ("--method", method)]
    command = [
        sys.executable,
        "-c",
        "from xaiaudit.cli import main; main()",
        "attack",
        str(checkpoint),
        *words,
    ]
    command += ["--out", str(out), "--batch-size", "4", "--gallery", "1", "--threads", "1", "--no-report"]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not list((out / "shards").glob("*.json")) and time.monotonic() < deadline:
        assert process.poll() is None, "the audit ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = list((out / "shards").glob("*.json"))
    assert done, "no shard was finished before the kill"
    assert not (out / "audit.json").exists()
    attacked: list[float] = []
    record = run(
        checkpoint,
        out,
        resume=True,
        checks=32,
        on_attack=lambda done, total, name: attacked.append(done),
        **WHOLE,
    )
    assert record is not None
    assert attacked[-1] == pytest.approx(
        len(METHODS) * (record.images - 4 * len(done))
    )  # what was done stays done
    assert same_tables(out, undisturbed)


def test_three_shards_merged_are_byte_identical_too(
    checkpoint: Path, undisturbed: Path, tmp_path: Path
) -> None:
    parts = [tmp_path / f"part-{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        assert run(checkpoint, part, shard=(number, 3), **WHOLE) is None
    with pytest.raises(AuditError, match="shards are not done"):
        merge(parts[:2], tmp_path / "whole")
    record = merge(parts, tmp_path / "whole")
    assert same_tables(tmp_path / "whole", undisturbed)
    expected = AuditRecord.model_validate_json((undisturbed / "audit.json").read_bytes())
    assert record.attacks == expected.attacks
    assert record.maps == expected.maps
    assert record.tables == table_digests(tmp_path / "whole", record)
    assert len(record.tables) >= 2


def test_a_finished_audit_never_changes(checkpoint: Path, undisturbed: Path) -> None:
    with pytest.raises(AuditError, match="never changes"):
        run(checkpoint, undisturbed)
    with pytest.raises(AuditError, match="never changes"):
        run(checkpoint, undisturbed, resume=True)


def test_a_merge_into_a_finished_audit_is_refused(
    checkpoint: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run(checkpoint, tmp_path / "part", shard=(1, 1), seed=1)
    before = (undisturbed / "audit.json").read_bytes()
    with pytest.raises(AuditError, match="never changes"):
        merge([tmp_path / "part"], undisturbed)
    assert (undisturbed / "audit.json").read_bytes() == before


def test_a_finished_audit_is_refused_before_any_image_is_read(checkpoint: Path, undisturbed: Path) -> None:
    read: list[int] = []
    with pytest.raises(AuditError, match="never changes"):
        run(checkpoint, undisturbed, on_look=lambda done, total: read.append(done))
    assert read == []


@pytest.mark.parametrize("shard", [(0, 2), (3, 2)])
def test_a_shard_that_is_none_is_an_error(checkpoint: Path, tmp_path: Path, shard: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="from 1 to n"):
        run(checkpoint, tmp_path / "audit", shard=shard)


def test_a_limit_is_told_in_the_selection(checkpoint: Path, tmp_path: Path) -> None:
    record = run(checkpoint, tmp_path / "audit", limit=3)
    assert record is not None
    assert record.images == record.datasets[0].images == 3
    assert "3 of 18 images" in record.datasets[0].selection


def test_float32_is_not_tf32() -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32
    with deterministic():
        assert not cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert cudnn.allow_tf32 is before


def test_a_resume_with_other_settings_says_which(checkpoint: Path, tmp_path: Path) -> None:
    run(checkpoint, tmp_path, shard=(1, 3))
    with pytest.raises(AuditError, match="seed: 0 then, 1 now"):
        run(checkpoint, tmp_path, resume=True, seed=1)
    with pytest.raises(AuditError, match="unfinished audit; go on with --resume"):
        run(checkpoint, tmp_path)
    with pytest.raises(AuditError, match="holds no audit to go on with"):
        run(checkpoint, tmp_path / "elsewhere", resume=True)


def test_a_fault_of_the_input_before_anything_is_done_leaves_nothing_in_the_way(
    checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    with pytest.raises(UsageError, match=r"no layer 'features\.99'"):
        run(checkpoint, out, explainers=["grad-cam:layer=features.99"], limit=3)
    assert not out.exists()
    run(checkpoint, out, shard=(1, 3))
    with pytest.raises(AuditError, match="explainers: grad-cam:, cam: then"):
        run(checkpoint, out, resume=True, explainers=["grad-cam:layer=features.99"])
    assert AuditFolder(out).plan.exists()  # what another command began stays


def test_a_resume_with_other_packages_is_refused_and_the_record_tells_those_that_computed(
    checkpoint: Path, tmp_path: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xaiaudit.auditing import environment

    run(checkpoint, tmp_path, shard=(1, 3))
    told = AuditRecord.model_validate_json((undisturbed / "audit.json").read_bytes()).environment
    assert told.versions["numpy"] == np.__version__
    monkeypatch.setattr(
        environment, "version", lambda package: "0.1" if package == "torch" else told.versions[package]
    )
    with pytest.raises(AuditError, match=f"torch: {re.escape(told.versions['torch'])} then, 0.1 now"):
        run(checkpoint, tmp_path, resume=True)


def test_parts_computed_on_two_devices_of_a_kind_are_of_one_audit(undisturbed: Path) -> None:
    plan = read_plan(AuditFolder(undisturbed))
    first, second, other = (
        plan.model_copy(update={"environment": plan.environment.model_copy(update={"device": device})})
        for device in ("cuda:0", "cuda:1", "cpu")
    )
    assert first.differences(second) == []
    assert first.differences(other) == ["device"]


def test_parts_of_different_audits_are_not_merged(checkpoint: Path, tmp_path: Path) -> None:
    run(checkpoint, tmp_path / "a", shard=(1, 2))
    run(checkpoint, tmp_path / "b", shard=(2, 2), seed=5)
    with pytest.raises(AuditError, match="parts of different audits"):
        merge([tmp_path / "a", tmp_path / "b"])


def test_training_images_are_a_leak_and_so_are_their_near_duplicates(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    model = xaiaudit.load(checkpoint)
    trained = choose_data(model, split="train")
    folder = tmp_path / "data" / "benign"
    folder.mkdir(parents=True)
    shutil.copy(trained.entries[0].image, folder / "same.png")
    brighter = np.asarray(Image.open(trained.entries[1].image)).astype(float) * 0.9 + 10
    Image.fromarray(brighter.astype(np.uint8)).save(folder / "near.png")
    shutil.copy(choose_data(model).entries[0].image, folder / "fresh.png")
    record = xaiaudit.audit(
        model, folder.parent, ["fgsm-single"], out=tmp_path / "audit", checks=0, acquisition=()
    )
    assert record is not None
    assert [name.rpartition("/")[2] for name in record.leak.exact] == ["same.png"]
    assert [name.rpartition("/")[2] for name in record.leak.near] == ["near.png"]


def test_an_unreadable_image_is_counted_and_named_or_with_strict_ends_the_run(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "benign"
    folder.mkdir(parents=True)
    images = sorted((phantoms / "images").glob("*.png"))[:3]
    for image in images:
        shutil.copy(image, folder / image.name)
    (folder / images[1].name).write_bytes(images[1].read_bytes()[:500])
    model = xaiaudit.load(checkpoint)
    record = xaiaudit.audit(
        model, folder.parent, ["fgsm-single"], out=tmp_path / "audit", checks=0, acquisition=()
    )
    assert record is not None
    assert record.images == 2
    assert [images[1].name in item.file for item in record.left_out] == [True]
    with pytest.raises(DataError, match=images[1].name):
        xaiaudit.audit(model, folder.parent, ["fgsm-single"], out=tmp_path / "strict", strict=True, checks=0)


def test_an_image_that_changed_since_the_plan_stops_the_audit(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "benign"
    folder.mkdir(parents=True)
    images = sorted((phantoms / "images").glob("*.png"))[:3]
    for image in images:
        shutil.copy(image, folder / image.name)
    dataset = open_dataset(folder.parent)
    model = xaiaudit.load(checkpoint)

    def swap(done: int, total: int) -> None:
        if done == total:
            shutil.copy(images[0], folder / images[2].name)

    with pytest.raises(AuditError, match="has changed since the audit was planned"):
        xaiaudit.audit(model, dataset, ["fgsm-single"], out=tmp_path / "audit", on_look=swap)


class Constant(nn.Module):
    """Decides malignant, whatever the image."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(1, 2, 3)
        self.head = nn.Linear(2, 2)
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0, 5.0]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(images).mean((2, 3)))
        return logits


def test_a_constant_classifier_is_not_assessable_and_its_failed_attacks_are_counted(
    phantoms: Path, tmp_path: Path
) -> None:
    model = AuditedModel(Constant(), preprocessing=SMALL)
    record = xaiaudit.audit(
        model, phantoms, ["fgsm", "deepfool"], out=tmp_path / "audit", limit=6, checks=0, acquisition=()
    )
    assert record is not None
    for item in record.attacks:
        assert not item.assessable
        assert "one decision, and fewer than 10" in item.why_not
        assert item.failed == item.images == 6  # a zero gradient is a failure of the attack, not robustness
    assert any("flip rates say nothing" in warning for warning in record.warnings)
    assert all(item.undefined_before == 6 for item in record.maps)
    assert all(item.silent_shift.estimate is None for item in record.maps)


def test_a_curve_has_no_radius_that_a_named_step_size_cannot_reach(checkpoint: Path) -> None:
    model = xaiaudit.load(checkpoint)
    methods = [
        ("fgsm", {}),
        ("fgsm", {"epsilon": 2.5 / 255, "alpha": 0.1 / 255, "steps": 20}),  # at most 2 grey levels
        ("deepfool", {}),
    ]
    plan = make_plan(model, choose_data(model), methods)
    radii = [[round(255 * radius, 6) for radius in item.radii] for item in plan.attacks]
    assert radii == [[0.1, 0.25, 0.5, 1, 2, 4, 8, 25.5], [0.1, 0.25, 0.5, 1, 2], []]


def test_without_data_the_audit_says_what_to_do(phantoms: Path) -> None:
    with pytest.raises(UsageError, match="no data is known"):
        choose_data(AuditedModel(Constant(), preprocessing=SMALL))


def test_two_runs_of_one_attack_have_ids_of_their_own(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    record = xaiaudit.audit(
        model, choose_data(model), ["pgd:epsilon=1/255,steps=3", "pgd:epsilon=4/255,steps=3"],
        out=tmp_path / "audit", limit=4, curve=False, acquisition=(),
    )  # fmt: skip
    assert record is not None
    assert [item.id for item in record.attacks] == ["pgd", "pgd-2"]
    assert [item.epsilon for item in record.attacks] == [1 / 255, 4 / 255]
    assert set(pq.read_table(tmp_path / "audit/predictions.parquet")["attack_id"].to_pylist()) == {
        "none", "pgd", "pgd-2",
    }  # fmt: skip


def test_another_image_of_a_trained_case_is_a_leak(checkpoint: Path, phantoms: Path) -> None:
    from xaiaudit.auditing.leak import Known, find_leak

    model = xaiaudit.load(checkpoint)
    dataset = choose_data(model, split="all")
    trained = choose_data(model, split="train").entries[0]
    tested = choose_data(model).entries[0]
    blank = {"dataset": dataset.name, "sha256": "0" * 64, "fingerprint": "0" * 128}
    images = [
        Known(name="other image", case_id=f"{dataset.name}/{trained.case}", **blank),
        Known(name="other case", case_id=f"{dataset.name}/{tested.case}", **blank),
        Known(name="no id", case_id=None, **blank),
    ]
    assert find_leak(model, images, dataset).same_case == ["other image"]
    elsewhere = [replace(image, dataset="another") for image in images]
    assert find_leak(model, elsewhere, dataset).same_case == []


def test_an_attack_that_fails_on_many_images_is_not_assessable(tmp_path: Path, phantoms: Path) -> None:
    class HalfDead(Constant):
        """Decides by brightness where an image is bright; says nothing elsewhere, with no gradient."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            mean = images.mean((1, 2, 3))
            z = torch.where(mean > self.middle, 50 * (mean - self.middle), torch.full_like(mean, -1.0))
            return torch.stack((torch.zeros_like(z), z), 1) + 0 * self.head(
                self.features(images).mean((2, 3))
            )

    net = HalfDead()
    model = AuditedModel(net, preprocessing=SMALL)
    dataset = open_dataset(phantoms)
    images = torch.from_numpy(stack([prepare(dataset[i], SMALL) for i in range(len(dataset))]).images)
    net.middle = float(model.normalise(images).mean((1, 2, 3)).median())
    record = xaiaudit.audit(
        model,
        dataset,
        ["pgd:epsilon=1/255,steps=2"],
        [],
        out=tmp_path / "audit",
        curve=False,
        checks=0,
        acquisition=(),
    )
    assert record is not None
    (item,) = record.attacks
    assert item.failed > 0.05 * item.images
    assert not item.assessable
    assert "no sign of robustness" in item.why_not


class Crowded(nn.Module):
    """Has no room for the backward of more than two images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 2 and x.requires_grad:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        out: torch.Tensor = self.body(x)
        return out


def test_shards_and_self_checks_are_halved_when_memory_runs_out_and_both_say_so(
    tmp_path: Path, phantoms: Path
) -> None:
    model = AuditedModel(Crowded(), preprocessing=SMALL)
    attacked: list[float] = []
    record = xaiaudit.audit(
        model,
        open_dataset(phantoms),
        ["noise", "fgsm:steps=2", "fgsm-single"],
        [],
        out=tmp_path / "a",
        limit=4,
        batch_size=4,
        curve=False,
        on_attack=lambda done, total, name: attacked.append(done),
    )
    assert attacked == [4, 0, 2, 4, 6, 8, 10, 12]  # what a try that ran out of memory had done counts no more
    assert record is not None
    assert record.batch_size_retries == [
        "shard 0: out of memory, tried again with 2 images at once",
        "self-checks: out of memory, tried again with 2 images at once",
    ]
    assert {
        check.status for check in record.checks if check.name == "gradients are neither zero nor NaN"
    } == {"passed"}


def test_the_self_checks_say_what_they_are_at(checkpoint: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    xaiaudit.audit(
        xaiaudit.load(checkpoint),
        None,
        ["fgsm", "noise", "deepfool"],
        [],
        out=tmp_path / "a",
        curve=False,
        acquisition=(),
        on_check=lambda *words: told.append(words),
    )
    assert told[0] == (0, 3, "fgsm, run 1")
    assert told[-1] == (3, 3, "deepfool")
    assert (2, 3, "deepfool, run 1") in told
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_the_time_taken_counts_the_self_checks(checkpoint: Path, tmp_path: Path) -> None:
    run(checkpoint, tmp_path / "part", shard=(1, 1), limit=4)
    (marker,) = (tmp_path / "part" / "shards").glob("00001.json")
    seen = json.loads(marker.read_bytes())
    marker.write_text(json.dumps(seen | {"seconds": 3600.0}))
    assert merge([tmp_path / "part"]).seconds > 3600


def test_an_audit_that_cannot_be_planned_leaves_no_folder_behind(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    with pytest.raises(UsageError, match="asks for a mask head"):
        xaiaudit.audit(model, attacks=["fgsm"], criteria=["lower-dice"], out=tmp_path / "new" / "audit")
    assert not (tmp_path / "new" / "audit").exists()
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="asks for a mask head"):
        xaiaudit.audit(model, attacks=["fgsm"], criteria=["lower-dice"], out=kept)
    assert [path.name for path in kept.iterdir()] == ["notes.txt"]
