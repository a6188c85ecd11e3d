"""Subgroups of an audit, by hand: rates of each, what is only counted, and tests of differences among them."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from xaiaudit.auditing.subgroup_statistics import subgroup_records
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import SubgroupRecord, SubgroupTest

CLASSES = ["benign", "malignant"]
N = 56  # of devices A and B, 23 each, and of others


def tables(*, device: list[str | None], label: np.ndarray, margin: np.ndarray, flipped: np.ndarray) -> Tables:
    """One image a case; a map that is undefined on every seventh image and moves where nothing flips."""
    n = len(device)
    common = {
        "dataset": ["made"] * n,
        "label": [CLASSES[i] for i in label],
        "device": device,
        "birads": [None] * n,
        "size": ["up to 10 mm"] * n,
        "case": [str(i) for i in range(n)],
        "decision": [CLASSES[int(m >= 0)] for m in margin],
        "logits": [[0.0, float(m)] for m in margin],
    }
    states = [("none", np.zeros(n, bool)), ("fgsm", flipped), ("idle", np.zeros(n, bool))]
    rows = [
        {name: values[i] for name, values in common.items()}
        | {"attack_id": attack, "quantised": False, "curve": False, "flipped": bool(own[i])}
        for attack, own in states
        for i in range(n)
    ]
    maps = [
        {
            "attack_id": attack,
            "explainer_id": "cam",
            "target": "same",
            "silent_shift": None if i % 7 == 0 else bool(not own[i] and i % 2),
        }
        for attack, own in states[1:]
        for i in range(n)
    ]
    plan = SimpleNamespace(
        checkpoint=SimpleNamespace(classes=CLASSES, positive="malignant", threshold=0.5),
        attacks=[SimpleNamespace(id="fgsm"), SimpleNamespace(id="idle")],
        explainers=[SimpleNamespace(id="cam")],
        data=[SimpleNamespace(record=SimpleNamespace(name="made"))],
    )
    return Tables(plan, pa.Table.from_pylist(rows), pa.Table.from_pylist(maps))


RATED = [SimpleNamespace(id="fgsm", assessable=True), SimpleNamespace(id="idle", assessable=False)]


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    """A flips always, B never; 9 images of device C, and one whose device is not known."""
    rng = np.random.default_rng(0)
    device = [*["B"] * 23, *["A"] * 23, *["C"] * 9, None]
    label = (np.arange(N) % 3 == 0).astype(int)
    margin = rng.normal(size=N) + 2 * label - 1
    flipped = np.array([name == "A" for name in device])
    records, tests = subgroup_records(
        tables(device=device, label=label, margin=margin, flipped=flipped), RATED
    )
    return SimpleNamespace(
        records=records, tests=tests, device=np.array(device), label=label, margin=margin, flipped=flipped
    )


def of(made: SimpleNamespace, attribute: str) -> list[SubgroupRecord]:
    return [record for record in made.records if record.attribute == attribute]


def test_only_attributes_that_part_the_images_are_listed_in_their_order(made: SimpleNamespace) -> None:
    listed = [(record.attribute, record.value) for record in made.records]
    assert listed == [
        *(("label", name) for name in CLASSES),
        *(("device", name) for name in ("A", "B", "C", None)),
    ]


def test_small_groups_and_the_unknown_are_counted_and_not_rated(made: SimpleNamespace) -> None:
    counted = [(r.value, r.images, r.cases, r.rated) for r in of(made, "device")]
    assert counted == [("A", 23, 23, True), ("B", 23, 23, True), ("C", 9, 9, False), (None, 1, 1, False)]
    for record in of(made, "device")[2:]:
        assert (record.auc, record.sensitivity, record.specificity, record.accuracy) == (None,) * 4
        assert record.attacks == []


def test_rates_are_those_of_the_images_of_the_group(made: SimpleNamespace) -> None:
    own = made.device == "A"
    record = of(made, "device")[0]
    positive, said = made.label[own] == 1, made.margin[own] >= 0
    assert record.accuracy == proportion(positive == said, range(23))
    assert record.positive == positive.sum() == 8
    assert record.sensitivity is record.auc is None  # of eight images
    assert record.specificity.n == (~positive).sum() == 15
    assert record.specificity.estimate == pytest.approx((~said[~positive]).mean())
    fgsm, idle = record.attacks
    assert (fgsm.flips.estimate, idle.flips.estimate) == (1.0, 0.0)
    assert fgsm.robust_accuracy.estimate == 0.0
    assert idle.robust_accuracy == record.accuracy
    index = np.flatnonzero(own)
    defined = index[index % 7 != 0]
    assert fgsm.silent_shift["cam"].n == len(defined)
    assert fgsm.silent_shift["cam"].estimate == 0.0
    assert idle.silent_shift["cam"].estimate == pytest.approx((defined % 2).mean())


def test_a_group_of_one_label_has_no_auc(made: SimpleNamespace) -> None:
    benign, malignant = of(made, "label")
    assert benign.auc is malignant.auc is None
    assert benign.sensitivity is malignant.specificity is None
    assert benign.specificity == benign.accuracy


def test_differences_are_found_where_they_are_and_p_is_adjusted_for_all_tests(made: SimpleNamespace) -> None:
    listed = {(t.attribute, t.outcome, t.attack_id): t for t in made.tests}
    flips = listed["device", "flip rate", "fgsm"]
    assert (flips.groups, flips.images, flips.p) == (2, 46, 1 / 10_001)
    assert listed["device", "accuracy", None].p > 0.05
    assert not any(test.attack_id == "idle" for test in made.tests)  # whose flips say nothing
    assert len(made.tests) == 2 * 3  # label and device: accuracy, flips, silent shift
    assert all(test.p_adjusted >= min(1.0, 2 * test.p) for test in made.tests)  # of two attributes
    assert flips.p_adjusted < 0.01
    assert listed["device", "silent shift", "fgsm"].images == 46 - 7  # maps defined


def test_a_difference_that_the_labels_explain_is_none_of_the_devices() -> None:
    """The model misses cancers alike on both devices, and one device saw more of them."""
    device: list[str | None] = [*["A"] * 40, *["B"] * 40]
    label = np.array([1] * 30 + [0] * 10 + [1] * 10 + [0] * 30)
    margin = np.where(label == 1, np.where(np.arange(80) % 2, 1.0, -1.0), -1.0)
    records, tests = subgroup_records(
        tables(device=device, label=label, margin=margin, flipped=np.zeros(80, bool)), RATED
    )
    (first,) = [record for record in records if record.value == "A"]
    assert first.auc == auc(label[:40] == 1, margin[:40], range(40))
    assert first.sensitivity == proportion(margin[:30] > 0, range(30))
    found = {(t.attribute, t.outcome): t.p for t in tests}
    right = (margin >= 0) == (label == 1)
    assert right[:40].mean() == 0.625
    assert right[40:].mean() == 0.875
    assert found["device", "accuracy"] == 1.0
    assert found["label", "accuracy"] < 0.001


def test_lesions_in_millimetres_and_relative_ones_are_compared_apart() -> None:
    """Every decision on a relative lesion flips, and none on one in millimetres: that is no difference of sizes."""
    sizes = (
        ["up to 10 mm"] * 15
        + ["10 to 20 mm"] * 15
        + ["relative: up to 4 %"] * 15
        + ["relative: over 10 %"] * 15
    )
    flipped = np.arange(60) >= 30
    made = tables(device=["A"] * 60, label=np.zeros(60, int), margin=np.full(60, -1.0), flipped=flipped)
    columns = made.predictions.drop_columns(["size"]).append_column("size", pa.array(sizes * 3))
    records, tests = subgroup_records(Tables(made.plan, columns, made.maps), RATED)
    assert [record.value for record in records] == sizes[::15]  # in rising order, millimetres first
    assert {test.p for test in tests if test.outcome == "flip rate"} == {1.0}


def test_without_labels_and_flips_that_say_something_nothing_is_tested() -> None:
    made = tables(
        device=["A"] * 20 + ["B"] * 20,
        label=np.zeros(40, int),
        margin=np.full(40, -1.0),
        flipped=np.zeros(40, bool),
    )
    unknown = pa.nulls(len(made.predictions), pa.string())
    columns = made.predictions.drop_columns(["label"]).append_column("label", unknown)
    idle = [SimpleNamespace(id=name, assessable=False) for name in ("fgsm", "idle")]
    records, tests = subgroup_records(Tables(made.plan, columns, made.maps), idle)
    assert tests == []
    assert [(record.value, record.accuracy, record.auc) for record in records] == [
        ("A", None, None),
        ("B", None, None),
    ]
    assert records[0].attacks[0].flips.n == 20


def test_records_of_old_have_none() -> None:
    assert SubgroupRecord(attribute="device", value="A", images=3, cases=3, rated=False).attacks == []
    assert {"p", "p_adjusted"} <= SubgroupTest.model_fields.keys()
