"""The tests of faithfulness on a dataset: figures against single calls, batches, undefined maps, real images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from xaiaudit.auditing.faithfulness import Settings, faithfulness
from xaiaudit.auditing.faithfulness.batches import Facts
from xaiaudit.auditing.faithfulness.running import Outcome, Results, run_tests
from xaiaudit.auditing.faithfulness.statistics import canvas_record, measure_record, step_records
from xaiaudit.data import open_dataset, prepare, stack
from xaiaudit.errors import UsageError
from xaiaudit.explainers.on_image import OnImage
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.faithfulness import Canvas, MaxSensitivity, PixelCurve, infidelity
from xaiaudit.faithfulness.similarity import Similarity
from xaiaudit.faithfulness_record import MEASURES, FaithfulnessRecord
from xaiaudit.functional import decision
from xaiaudit.models import AuditedModel, build, load
from xaiaudit.models.prepared import prepared
from xaiaudit.seeds import image_seed
from xaiaudit.tensors import Model
from xaiaudit.types import Preprocessing

QUICK = Settings(steps=5, samples=6, blocks=3, draws=2)
SMALL = Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))


def rows(table: object, explainer_id: str) -> list[dict[str, object]]:
    return [row for row in table.to_pylist() if row["explainer_id"] == explainer_id]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def tested(checkpoint: Path) -> tuple[AuditedModel, FaithfulnessRecord, object]:
    model = load(checkpoint)
    before = {name: tensor.clone() for name, tensor in model.net.state_dict().items()}
    record, table = faithfulness(model, explainers=["grad-cam", "eigen-cam"], tests=QUICK, limit=8, seed=3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.net.state_dict().items())
    return model, record, table


def test_the_figures_are_those_of_single_calls(
    tested: tuple[AuditedModel, FaithfulnessRecord, object], phantoms: Path
) -> None:
    model, record, table = tested
    by_name = {sample.name: sample for sample in open_dataset(phantoms)}
    grad_cam = explainer("grad-cam")
    for row in rows(table, "grad-cam")[:3]:
        batch = stack([prepare(by_name[row["image"]], model.preprocessing)])
        images, valid = torch.from_numpy(batch.images), torch.from_numpy(batch.valid)
        target = torch.as_tensor(np.asarray(decision(model(images).logits, model.threshold)))
        assert model.classes[int(target)] == row["target_class"]
        maps = grad_cam(model, images, target)
        curve = PixelCurve(way="deletion", canvas=Canvas(), steps=5)(
            model, images, target, maps, signed=False, valid=valid, seeds=[image_seed(batch.sha256[0], 3)]
        )
        if row["defined"]:
            assert row["deletion_area"] == pytest.approx(curve.area.item(), abs=1e-4)
    areas = [row["deletion_area"] for row in rows(table, "grad-cam") if row["deletion_area"] is not None]
    found = record.explainer("grad-cam").measures[0]
    assert found.mean.estimate == pytest.approx(np.mean(areas))
    assert found.undefined == 8 - len(areas) == record.explainer("grad-cam").undefined


def test_every_explainer_stands_beside_random_maps_of_its_grid(
    tested: tuple[AuditedModel, FaithfulnessRecord, object],
) -> None:
    _, record, table = tested
    ids = [item.id for item in record.explainers]
    assert ids[:2] == ["grad-cam", "eigen-cam"]
    assert record.explainer("grad-cam").control == ids[2]
    assert record.explainer(ids[2]).control == ""
    assert {row["vanished"] for row in rows(table, ids[2])} == {None}
    for item in record.explainers[:2]:
        assert [m.name for m in item.measures] == list(MEASURES)
        assert {m.name for m in item.measures if m.gain is None} == {"infidelity", "max_sensitivity"}
        assert [len(way.steps) for way in item.randomisation] == [3, 3]
    top = record.explainer("eigen-cam").randomisation[0].steps[0]
    assert top.identical == top.maps > 0  # it knows no class
    assert record.explainer("grad-cam").randomisation[0].steps[0].identical == 0


def test_maps_of_the_wrong_sign_are_counted(
    tested: tuple[AuditedModel, FaithfulnessRecord, object],
) -> None:
    _, record, table = tested
    for item in record.explainers:
        scales = [row["infidelity_scale"] for row in rows(table, item.id)]
        assert item.wrong_sign == sum(scale is not None and scale < 0 for scale in scales)


def test_tests_leave_padding_alone_and_explain_changed_images_with_the_draws_of_the_originals(
    phantoms: Path,
) -> None:
    torch.manual_seed(0)
    model, smooth = (
        AuditedModel(build("small-cnn", classes=2, channels=1), preprocessing=SMALL),
        explainer("smoothgrad"),
    )
    whole = [open_dataset(phantoms)[index] for index in range(2)]
    samples = [
        replace(s, image=s.image[:40], mask=s.mask[:40], boxes=None, source_shape=(40, 64)) for s in whole
    ]
    with prepared(model) as ready:
        results = run_tests(ready, model, samples, {"smoothgrad": smooth}, QUICK, seed=3, batch_size=2)
    batch = stack([prepare(sample, SMALL) for sample in samples])
    images, valid = torch.from_numpy(batch.images), torch.from_numpy(batch.valid)
    assert not valid.all()
    target, own = (
        torch.from_numpy(results.facts.target),
        {"valid": valid, "seeds": [image_seed(s, 3) for s in batch.sha256]},
    )
    maps, values = smooth(model, images, target, **own), results.outcomes["smoothgrad"].values
    for way in ("deletion", "insertion"):
        curve = QUICK.curve(way)(model, images, target, maps, signed=False, **own)
        np.testing.assert_allclose(values[way], curve.probability, atol=1e-4)
    falls = infidelity(maps, QUICK.infidelity()(model, images, target, **own), signed=False)
    np.testing.assert_allclose(values["infidelity_scale"], falls.scale, rtol=1e-3)
    moved = QUICK.sensitivity(partial(smooth, **own), model, images, target, signed=False, **own)
    np.testing.assert_allclose(values["max_sensitivity"], moved.value, rtol=1e-3)
    emptied = model(Canvas()(images, valid)).logits
    np.testing.assert_allclose(results.facts.canvas, emptied.softmax(1), atol=1e-6)
    assert results.facts.canvas_decision.tolist() == np.asarray(decision(emptied, model.threshold)).tolist()


@dataclass(frozen=True)
class Flat(OnImage):
    """One value on every real pixel, and so no second one that could be ranked below it."""

    signed: ClassVar[bool] = True

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        return 1

    def attribute(
        self, model: Model, images: Tensor, target: Tensor, valid: Tensor, seeds: Sequence[int]
    ) -> Tensor:
        return torch.full_like(images[:, 0], 0.7)


def test_a_map_of_one_value_is_undefined_in_every_test_where_images_are_padded(phantoms: Path) -> None:
    torch.manual_seed(0)
    model = AuditedModel(build("small-cnn", classes=2, channels=1), preprocessing=SMALL)
    whole = open_dataset(phantoms)[0]
    padded = replace(whole, image=whole.image[:40], mask=whole.mask[:40], boxes=None, source_shape=(40, 64))
    with prepared(model) as ready:
        results = run_tests(ready, model, [padded], {"flat": Flat()}, QUICK, seed=3, batch_size=2)
    values = results.outcomes["flat"].values
    assert not values["defined"].any()
    for name in ("deletion_area", "insertion_area", "infidelity", "infidelity_scaled", "max_sensitivity"):
        assert np.isnan(values[name]).all(), name


def test_what_the_canvas_says_is_of_the_canvas() -> None:
    facts = Facts(
        names=("a", "b", "c"), sha256=("a", "b", "c"), target=np.array([0, 1, 1]), has_lesion=np.ones(3, bool),
        clean=np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]]), canvas=np.array([[0.6, 0.4], [0.55, 0.45], [0.4, 0.6]]),
        canvas_decision=np.array([0, 0, 1]),
    )  # fmt: skip
    found = canvas_record(Results(facts=facts, outcomes={}, blocks=()), 1, list("abc"), "black")
    assert found.probability_clean.median == pytest.approx(0.8)
    assert found.probability_canvas.median == pytest.approx(0.6)  # of 0.6, 0.45 and 0.6
    assert found.positive_canvas.median == pytest.approx(0.45)  # of 0.4, 0.45 and 0.6
    assert found.decisions_kept.estimate == pytest.approx(2 / 3)


def test_the_batch_size_changes_nothing(tested: tuple[AuditedModel, FaithfulnessRecord, object]) -> None:
    model, record, table = tested
    again, other = faithfulness(
        model, explainers=["grad-cam", "eigen-cam"], tests=QUICK, limit=8, seed=3, batch_size=3
    )
    for ours, theirs in zip(table.to_pylist(), other.to_pylist(), strict=True):
        for name, value in ours.items():
            if isinstance(value, float):
                assert theirs[name] == pytest.approx(value, rel=1e-3, abs=1e-4), name
            else:
                assert theirs[name] == value
    one, two = (r.explainer("grad-cam").randomisation[0].steps[2].spearman for r in (record, again))
    assert one.estimate == pytest.approx(two.estimate, abs=0.02)


def test_a_gain_is_paired_and_points_to_the_better() -> None:
    def outcome(areas: list[float]) -> Outcome:
        values = {"deletion_area": np.array(areas), "insertion_area": np.array(areas)}
        return Outcome(maps=np.ones((4, 2, 2)), values=values, randomisation={})

    ours, control = outcome([0.1, 0.3, np.nan, 0.5]), outcome([0.4, 0.2, 0.9, np.nan])
    lesions, cases = np.array([True, True, True, False]), list("abcd")
    found = measure_record("deletion_area", ours, control, lesions, cases)
    assert found.gain.estimate == pytest.approx((0.3 - 0.1) / 2)
    assert (found.better.estimate, found.better.n) == (0.5, 2)
    assert (found.images, found.undefined) == (4, 1)
    assert measure_record("insertion_area", ours, control, lesions, cases).gain.estimate == pytest.approx(
        -0.1
    )


def test_steps_average_the_draws_that_are_defined() -> None:
    values = np.array([[[0.2, 0.4]], [[np.nan, 0.6]], [[np.nan, np.nan]]])
    undefined = np.isnan(values)
    similar = Similarity(values, values, values, undefined, values == 0.2)
    (step,) = step_records(similar, np.ones(3, bool), [("net.head.weight", "net.head.bias")], list("abc"))
    assert step.spearman.estimate == pytest.approx((0.3 + 0.6) / 2)
    assert (step.top, step.layers) == ("net.head", 1)
    assert (step.maps, step.undefined, step.identical) == (6, 3, 1)
    assert step.spread == pytest.approx(np.std([0.2, 0.5], ddof=1))


def test_maps_that_are_all_undefined_are_counted_and_nothing_is_made_up(phantoms: Path) -> None:
    torch.manual_seed(0)
    net = build("small-cnn", classes=2, channels=1)
    model = AuditedModel(net, preprocessing=SMALL)
    torch.nn.init.zeros_(model.head.weight)  # no feature speaks for any class
    record, table = faithfulness(
        model,
        open_dataset(phantoms),
        ["grad-cam"],
        tests=Settings(steps=3, samples=4, blocks=2, draws=1),
        limit=4,
    )
    item = record.explainer("grad-cam")
    assert item.undefined == 4
    assert all(m.undefined == m.images == 4 and m.mean.estimate is None for m in item.measures)
    assert item.deletion == [None] * 4
    assert {step.spearman.estimate for way in item.randomisation for step in way.steps} == {None}
    assert all(row["deletion_area"] is None and not row["defined"] for row in rows(table, "grad-cam"))


@pytest.mark.parametrize("name", sorted(set(EXPLAINERS) - {"seg-grad-cam"}))
def test_every_explainer_of_a_decision_can_be_tested(name: str, checkpoint: Path) -> None:
    tests = Settings(steps=2, samples=2, blocks=2, draws=1, sensitivity=MaxSensitivity(samples=1))
    model = load(checkpoint)
    before = {key: tensor.clone() for key, tensor in model.net.state_dict().items()}
    record, _ = faithfulness(model, explainers=[name], tests=tests, limit=2)
    item = record.explainer(name)
    assert item.explained
    for measure in item.measures:
        assert measure.mean.n + measure.undefined == measure.images == 2
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.net.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_maps_of_the_mask_are_refused(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="outlined mask"):
        faithfulness(load(checkpoint), explainers=["seg-grad-cam"], limit=1)


@pytest.mark.parametrize("folder", ["busi", "busbra", "breast_usg"])
def test_real_images(test_data: Path, folder: str) -> None:
    torch.manual_seed(0)
    model = AuditedModel(build("small-cnn", classes=2, channels=1), preprocessing=SMALL)
    record, _ = faithfulness(
        model,
        open_dataset(test_data / folder),
        ["cam"],
        limit=4,
        tests=Settings(steps=4, samples=4, blocks=2, draws=1),
    )
    item = record.explainer("cam")
    assert record.images == record.with_lesion == 4
    assert item.undefined == 0
    for measure in item.measures:
        assert measure.undefined == 0
        if measure.name not in ("infidelity", "infidelity_scaled", "max_sensitivity"):
            assert 0 <= measure.mean.estimate <= 1
