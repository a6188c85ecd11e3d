"""A classifier that is given the outlined lesion as a channel: the thesis's second experiment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import xaiaudit
from xaiaudit.attacks.criteria.leave_decision import LeaveDecision
from xaiaudit.attacks.registry import attack
from xaiaudit.attacks.spec import parse
from xaiaudit.auditing.explanation import explain
from xaiaudit.auditing.selection import choose_data
from xaiaudit.data import open_dataset
from xaiaudit.data.preprocess import network_inputs, prepare, stack
from xaiaudit.errors import DataError, UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.training import Recipe, evaluate, train
from xaiaudit.types import Preprocessing

INPUTS = Preprocessing(
    size=64, channels=3, mean=(0.3, 0.3, 0.1), std=(0.2, 0.2, 0.3), inputs=("grey", "grey", "mask")
)
ATTACKS = ("fgsm", "pgd-l2:steps=5", "square:queries=20", "map-shift:steps=3", "noise")


@pytest.fixture(scope="module")
def model(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> AuditedModel:
    out = tmp_path_factory.mktemp("outlined") / "model.pt"
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=3e-3)
    train("small-cnn", open_dataset(phantoms), out, preprocessing=INPUTS, recipe=recipe, device="cpu")
    return xaiaudit.load(out)


def test_the_network_sees_the_outline(model: AuditedModel) -> None:
    samples = [prepare(sample, INPUTS) for sample in list(choose_data(model))[:2]]
    images, valid = network_inputs(stack(samples), INPUTS)
    assert images.shape == valid.shape == (2, 2, 64, 64)
    assert np.array_equal(images[:, 1] == 1, np.stack([sample.mask for sample in samples]))
    assert not valid[:, 1].any()
    shown = model.normalise(torch.from_numpy(images))
    assert torch.allclose(shown[:, 2] * 0.3 + 0.1, torch.from_numpy(images[:, 1]), atol=1e-6)
    without = images.copy()
    without[:, 1] = 0
    assert not torch.allclose(model(torch.from_numpy(images)).logits, model(torch.from_numpy(without)).logits)
    with pytest.raises(UsageError, match="second channel the outlined lesion"):
        model(torch.from_numpy(images[:, :1]))


@pytest.mark.parametrize(
    "words",
    [
        "fgsm",
        "pgd-l2:steps=5",
        "square:queries=20",
        "noise",
        "apgd:steps=3",
        "deepfool:steps=5",
        "mi-fgsm:steps=3",
    ],
)
def test_no_attack_changes_the_outline(model: AuditedModel, words: str) -> None:
    samples = [prepare(sample, INPUTS) for sample in list(choose_data(model))[:3]]
    images, valid = (torch.from_numpy(part) for part in network_inputs(stack(samples), INPUTS))
    name, parameters = parse(words)
    with torch.no_grad():
        clean = model(images).logits
    made = attack(name, **parameters)
    criterion = LeaveDecision(clean, model.threshold)
    found = made(model, images, criterion, valid=valid, seeds=[1, 2, 3])
    assert torch.equal(found.images[:, 1], images[:, 1])
    assert (found.images[:, 0] != images[:, 0]).any()


def test_the_audit_of_such_a_model_is_whole(model: AuditedModel, tmp_path: Path) -> None:
    record = xaiaudit.audit(
        model,
        attacks=ATTACKS,
        explainers=("grad-cam", "integrated-gradients:steps=3"),
        out=tmp_path / "a",
        limit=6,
        checks=3,
    )
    assert record is not None
    assert record.images == 6
    assert any("no second sweep" in warning for warning in record.warnings)
    assert {item.name for item in record.attacks} == {words.partition(":")[0] for words in ATTACKS}
    with pytest.raises(UsageError, match="leave the changes of the acquisition out"):
        xaiaudit.audit(model, attacks=("fgsm",), acquisition=("gain",), out=tmp_path / "b")


def test_an_image_without_an_outline_is_refused(model: AuditedModel) -> None:
    samples = list(choose_data(model))
    assert evaluate(model, samples[:3]).logits.shape == (3, 2)
    bare = [prepare(sample, INPUTS) for sample in samples[:1]]
    with pytest.raises(DataError, match="has no outline, and this model takes"):
        evaluate(model, [replace(bare[0], mask=None)])
    with pytest.raises(UsageError, match="brings no outline; xaiaudit attack"):
        next(explain(model, Path("scan.png")))


def test_what_has_no_outline_is_left_out_by_name(phantoms: Path) -> None:
    dataset = open_dataset(phantoms)
    unknown, normal = (replace(entry, masks=()) for entry in dataset.entries[:2])
    bare = replace(dataset, entries=(unknown, replace(normal, no_lesion=True), *dataset.entries[2:]))
    kept = bare.outlined()
    assert len(kept) == len(dataset) - 1
    assert [item.file for item in kept.left_out] == [dataset.entries[0].file]
    assert dataset.outlined() is dataset
