"""Goals beside the decision, sets of attacks, precisions and batch sizes through the whole audit."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_models import train_small

import xaiaudit
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.auditing.selection import choose_data
from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.records import LEAVE_DECISION, AuditRecord


def audited(model: AuditedModel, out: Path, attacks: list[str], **options: object) -> AuditRecord:
    record = xaiaudit.audit(
        model, choose_data(model), attacks, out=out, **({"checks": 0, "acquisition": ()} | options)
    )  # type: ignore[arg-type]
    assert record is not None
    return record


def table(folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(folder / "predictions.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def two_heads(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> AuditedModel:
    path = tmp_path_factory.mktemp("two-heads") / "mtl.pt"
    return xaiaudit.load(train_small(phantoms, path, "thesis-mtl", epochs=1, backbone="resnet18"))


def test_the_goal_that_flip_rates_are_about_is_the_criterion_of_that_name() -> None:
    assert LeaveDecision.name == LEAVE_DECISION


def test_every_attack_is_made_for_every_goal(two_heads: AuditedModel, tmp_path: Path) -> None:
    goals = ["leave-decision", "lower-dice:limit=0.6", "joint:limit=0.6"]
    record = audited(two_heads, tmp_path / "a", ["fgsm:steps=3"], criteria=goals, limit=6, curve=False)
    assert [item.id for item in record.attacks] == ["fgsm", "fgsm-lower-dice", "fgsm-joint"]
    assert record.attacks[0].criterion == "leave the clean decision"
    assert "0.6" in record.attacks[1].criterion
    for item in record.attacks:
        rows = [row for row in table(tmp_path / "a") if row["attack_id"] == item.id and not row["quantised"]]
        applicable = [row for row in rows if row["applicable"]]
        assert item.applicable == len(applicable)
        if applicable:
            assert item.reached.estimate == pytest.approx(np.mean([row["reached"] for row in applicable]))
        else:
            assert item.reached.estimate is None
        assert item.flips.estimate == pytest.approx(np.mean([row["flipped"] for row in rows]))
        assert item.dice_drop is not None  # the other head is measured, whichever was attacked
    usual = [row for row in table(tmp_path / "a") if row["attack_id"] == "fgsm"]
    assert [row["reached"] for row in usual] == [row["flipped"] for row in usual]


def test_a_goal_that_no_image_has_is_refused_before_the_long_work(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    with pytest.raises(UsageError, match=r"lower-dice asks for a mask head, and the model has none"):
        audited(model, tmp_path / "a", ["fgsm"], criteria=["lower-dice"])
    with pytest.raises(UsageError, match=r"no class 'malign'; did you mean malignant"):
        audited(model, tmp_path / "b", ["fgsm"], criteria=["target-class:class=malign"])


def test_the_true_label_is_the_goal_of_robust_accuracy(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    record = audited(model, tmp_path / "a", ["pgd:epsilon=2/255,steps=5"], criteria=["true-label"])
    (item,) = record.attacks
    rows = table(tmp_path / "a")
    wrong = {row["image"] for row in rows if row["attack_id"] == "none" and row["decision"] != row["label"]}
    assert wrong  # a model of this size is not right on all
    assert all(row["reached"] for row in rows if row["image"] in wrong and row["attack_id"] == item.id)
    assert item.robust_accuracy is not None
    assert item.reached.estimate == pytest.approx(1 - item.robust_accuracy.estimate)
    assert [point.reached.estimate for point in item.curve] == sorted(
        point.reached.estimate for point in item.curve
    )
    assert item.curve[0].reached.estimate >= len(wrong) / record.images - 1e-9


def test_a_set_of_attacks_tells_which_of_them_broke_an_image(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    record = audited(
        model, tmp_path / "a", ["worst:attacks=fgsm+apgd,epsilon=1/255", "fgsm:epsilon=1/255"], curve=False
    )
    worst, alone = record.attacks
    assert sum(worst.broken_by.values()) == round(worst.flips.estimate * worst.images)
    assert set(worst.broken_by) <= {"fgsm", "apgd"}
    assert worst.flips.estimate >= alone.flips.estimate
    broken = [
        row["broken_by"] for row in table(tmp_path / "a") if row["attack_id"] == worst.id and row["flipped"]
    ]
    assert None not in broken


def test_the_curve_tells_the_smallest_radius_of_each_image(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    record = audited(model, tmp_path / "a", ["pgd:steps=10"])
    (item,) = record.attacks
    rows = [row for row in table(tmp_path / "a") if row["curve"]]
    for quantised in (False, True):
        reached = {
            (row["image"], row["epsilon"]): row["reached"] for row in rows if row["quantised"] is quantised
        }
        for name in {image for image, _ in reached}:
            flags = [flag for (image, _), flag in sorted(reached.items()) if image == name]
            assert flags == sorted(flags)
    for point in item.curve:
        at = [row for row in rows if row["epsilon"] == point.epsilon and not row["quantised"]]
        assert point.reached.estimate == pytest.approx(np.mean([row["reached"] for row in at]))
        assert all(row["linf"] <= point.epsilon + 1e-6 for row in at)
        assert all(row["reached"] == row["flipped"] for row in at)
    grey = [row["linf"] * 255 for row in rows if row["quantised"]]
    assert np.allclose(grey, np.round(grey), atol=1e-3)


def test_bf16_searches_and_float32_judges(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    method = ["pgd:epsilon=1/255,steps=10"]
    full = audited(model, tmp_path / "a", method, curve=False)
    half = audited(model, tmp_path / "b", method, curve=False, precision="bf16")
    assert full.environment.precision == "float32"
    assert half.environment.precision == "bf16"
    assert "bf16" in half.search[0]
    assert "judged in float32" in half.search[0]
    one, other = (
        [row for row in table(tmp_path / name) if row["attack_id"] == "pgd" and not row["curve"]]
        for name in ("a", "b")
    )
    assert sum(x["flipped"] != y["flipped"] for x, y in zip(one, other, strict=True)) <= 2
    clean = [
        [row["logits"] for row in table(tmp_path / name) if row["attack_id"] == "none"] for name in ("a", "b")
    ]
    assert clean[0] == clean[1]  # nothing but the search is in bf16


def test_the_batch_follows_the_memory_unless_it_is_named(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    assert audited(model, tmp_path / "a", ["fgsm-single"], curve=False).batch_size == 32
    assert audited(model, tmp_path / "b", ["fgsm-single"], curve=False, batch_size=5).batch_size == 5
