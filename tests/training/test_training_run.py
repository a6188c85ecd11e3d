"""Training from images to a checkpoint, evaluating it, going on after a kill, and what can go wrong."""

import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import training_nets
from training_nets import QUICK, SMALL, write_images

from xaiaudit.auditing.selection import choose_data
from xaiaudit.data import Dataset, fingerprint, open_dataset, read_samples
from xaiaudit.data.cases import hash_case
from xaiaudit.errors import DataError, NumericalError, UsageError
from xaiaudit.models import AuditedModel, build, load
from xaiaudit.records import CleanRecord, Interval
from xaiaudit.training import Adversarial, Epoch, Recipe, Silent, Trained, evaluate, swapped_classes, train
from xaiaudit.training.evaluation import chance


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_images(tmp_path_factory.mktemp("images"), 80))


@pytest.fixture(scope="module")
def trained(images: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("out") / "new" / "model.pt"
    state = torch.get_rng_state()
    found = train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK)
    assert torch.equal(torch.get_rng_state(), state)  # the caller's random state is left alone
    return found


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load(path).net.state_dict()


def same_weights(a: Path, b: Path) -> bool:
    left, right = weights(a), weights(b)
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_a_training_run_learns_and_leaves_a_checkpoint_and_a_picture(trained: Trained) -> None:
    assert trained.test.auc.estimate > 0.9
    assert trained.test.auc.low < trained.test.auc.estimate
    assert trained.picture.name == "model.loss.png"
    assert sorted(file.name for file in trained.path.parent.iterdir()) == ["model.loss.png", "model.pt"]
    assert len(trained.history) == QUICK.epochs
    assert trained.warnings == []


def test_the_weights_kept_are_those_of_the_lowest_validation_loss(trained: Trained, images: Dataset) -> None:
    samples, _ = read_samples(images)
    found = evaluate(load(trained.path), [samples[row] for row in trained.split.validation])
    picked = torch.nn.functional.cross_entropy(torch.tensor(found.logits), torch.tensor(found.labels)).item()
    assert picked == pytest.approx(min(epoch.validation_loss for epoch in trained.history), abs=1e-5)


def test_evaluating_the_checkpoint_repeats_the_test_metrics(trained: Trained, images: Dataset) -> None:
    samples, _ = read_samples(images)
    rows = trained.split.test
    found = evaluate(
        load(trained.path), [samples[row] for row in rows], cases=[trained.split.cases[row] for row in rows]
    ).record()
    assert found.confusion == trained.test.confusion
    assert found.auc == trained.test.auc
    assert found.sensitivity == trained.test.sensitivity


def test_the_threshold_is_the_best_of_the_validation_roc(trained: Trained) -> None:
    record, kept = trained.validation, load(trained.path)
    corner = math.hypot(1 - record.specificity.estimate, 1 - record.sensitivity.estimate)
    nearest = min(math.hypot(p.false_positive_rate, 1 - p.true_positive_rate) for p in record.roc)
    assert corner == pytest.approx(nearest)
    assert kept.threshold == trained.model.threshold


def test_the_checkpoint_says_where_it_comes_from(trained: Trained, images: Dataset) -> None:
    said = load(trained.path).info.training
    assert said["data"] == [{"path": str(images.path.resolve()), "kind": "manifest", "name": images.name}]
    assert {part: len(items) for part, items in said["split"].items()} == {
        part: len(getattr(trained.split, part)) for part in ("train", "validation", "test")
    }
    row = trained.split.test[0]
    first, sample = said["split"]["test"][0], images[row]
    case = hash_case(trained.split.cases[row], said["salt"])
    assert first == {"file": sample.file, "case": case, "sha256": sample.sha256, "dataset": images.name}
    assert "patient" not in str(said["split"])
    assert said["fingerprints"]["train"][0] == fingerprint(images[trained.split.train[0]].image)
    assert (said["seed"], said["normals"], said["recipe"]["epochs"]) == (0, "leave-out", 4)
    assert said["metrics"]["test"]["auc"]["estimate"] == trained.test.auc.estimate
    assert torch.__version__.startswith(said["versions"]["torch"])
    assert len(said["history"]) == 4


def test_case_ids_stay_as_they_are_when_asked_for(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(QUICK, epochs=1)
    train("small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe, keep_ids=True)
    assert "patient" in str(load(tmp_path / "m.pt").info.training["split"])


def test_equal_seeds_give_equal_weights_and_a_safetensors_file_the_same(
    trained: Trained, images: Dataset, tmp_path: Path
) -> None:
    again = train("small-cnn", images, tmp_path / "m.safetensors", preprocessing=SMALL, recipe=QUICK)
    assert same_weights(trained.path, again.path)
    other = train("small-cnn", images, tmp_path / "o.pt", preprocessing=SMALL, recipe=QUICK, seed=1)
    assert not same_weights(trained.path, other.path)
    assert other.split.test != trained.split.test


# Going on


def run_alone(images: Dataset, out: Path, *, devices: int = 1, kill_after: int = 0) -> int:
    program = [sys.executable, training_nets.__file__, images.path, out, str(devices), str(kill_after)]
    return subprocess.run(program, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False).returncode


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    trained: Trained, images: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "model.pt"
    assert run_alone(images, out, kill_after=2) == -signal.SIGKILL
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt.training"]
    lines = Lines()
    resumed = train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK, progress=lines)
    assert lines.epochs == [3, 4]
    assert "going on after epoch 2 of 4" in " ".join(lines.said)
    assert same_weights(trained.path, out)
    assert resumed.test == trained.test
    assert not (tmp_path / "model.pt.training").exists()


def test_an_unfinished_run_of_other_settings_is_not_gone_on_with(images: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK, progress=Interrupted())
    with pytest.raises(UsageError, match=r"unfinished run with other settings .seed 0, now 1.*--restart"):
        train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK, seed=1)
    recipe, lines = replace(QUICK, epochs=1), Lines()
    train("small-cnn", images, out, preprocessing=SMALL, recipe=recipe, restart=True, progress=lines)
    assert lines.epochs == [1]


@pytest.mark.slow
def test_two_devices_train_one_model(images: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "model.pt"
    assert run_alone(images, out, devices=2) == 0
    assert load(out).info.training["settings"]["devices"] == 2
    assert load(out).info.training["metrics"]["test"]["auc"]["estimate"] > 0.8


class Lines(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.epochs: list[int] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        self.epochs.append(epoch.number)


class Interrupted(Silent):
    def epoch(self, epoch: Epoch, epochs: int) -> None:
        raise KeyboardInterrupt


# Options


def test_a_multi_task_network_learns_both_tasks(images: Dataset, tmp_path: Path) -> None:
    found = train(
        "thesis-mtl",
        images,
        tmp_path / "mtl.pt",
        arguments={"backbone": "small-cnn"},
        preprocessing=SMALL,
        recipe=replace(QUICK, epochs=6),
    )
    assert found.test.dice.estimate > 0.5
    assert found.test.auc.estimate > 0.8
    again = evaluate(load(tmp_path / "mtl.pt"), [images[row] for row in found.split.test])
    assert np.nanmean(again.dice) == pytest.approx(found.test.dice.estimate)
    assert np.nanmean(again.dice / (2 - again.dice)) == pytest.approx(found.test.jsi.estimate)
    assert np.nanmean(again.box_jsi) == pytest.approx(found.test.box_jsi.estimate)


def test_a_segmentation_network_learns_to_outline_and_knows_no_diagnosis(
    images: Dataset, tmp_path: Path
) -> None:
    found = train(
        "thesis-seg",
        images,
        tmp_path / "seg.pt",
        arguments={"backbone": "small-cnn"},
        preprocessing=SMALL,
        recipe=replace(QUICK, epochs=6),
    )
    assert found.test.dice.estimate > 0.5
    assert found.test.auc is None  # every image shows a lesion
    model = load(tmp_path / "seg.pt")
    assert model.classes == ("no lesion", "lesion")
    assert model.positive == 1
    assert model.info.training["recipe"]["alpha"] == 0
    chosen = choose_data(model)
    assert {sample.label for sample in chosen} == {"lesion"}
    again = evaluate(model, list(chosen))
    assert np.nanmean(again.dice) == pytest.approx(found.test.dice.estimate)
    assert (again.labels == 1).all()


def test_early_stopping_waits_as_long_as_its_patience(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(QUICK, epochs=9, patience=2)
    found = train("training_nets:Stubborn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)
    assert [epoch.best for epoch in found.history] == [True, False, False]


def test_class_weights_and_bf16_train_too(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(QUICK, class_weights="balanced")
    found = train(
        "small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe, precision="bf16", limit=60
    )
    assert found.test.auc.estimate > 0.7
    assert sum(len(part) for part in (found.split.train, found.split.validation, found.split.test)) == 60
    assert "60 of 80 images" in load(found.path).info.training["selection"]


def test_another_seed_on_the_same_split_trains_another_model(
    trained: Trained, images: Dataset, tmp_path: Path
) -> None:
    recipe = replace(QUICK, epochs=1)
    found = train(
        "small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe, seed=1, split_seed=0
    )
    elsewhere = train("small-cnn", images, tmp_path / "e.pt", preprocessing=SMALL, recipe=recipe, seed=1)
    assert found.split == trained.split  # that of seed 0
    assert elsewhere.split != trained.split
    assert not same_weights(found.path, trained.path)
    for path, seeds in ((found.path, (1, 0)), (elsewhere.path, (1, 1))):
        told = load(path).info.training
        assert (told["seed"], told["split_seed"]) == seeds
        assert choose_data(load(path)).selection == f"test split of the checkpoint, seed {seeds[1]}"


def test_unreadable_images_are_left_out_and_named(tmp_path: Path) -> None:
    manifest = write_images(tmp_path / "images", 60)
    (tmp_path / "images" / "7.png").write_bytes((tmp_path / "images" / "7.png").read_bytes()[:60])
    dataset, recipe = open_dataset(manifest), replace(QUICK, epochs=1)
    found = train("small-cnn", dataset, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)
    assert [item.file for item in found.left_out] == ["7.png"]
    assert [item["file"] for item in load(found.path).info.training["left_out"]] == ["7.png"]
    with pytest.raises(DataError, match=r"7.png"):
        train("small-cnn", dataset, tmp_path / "n.pt", preprocessing=SMALL, recipe=recipe, strict=True)


# What can go wrong


def test_a_loss_that_is_no_number_stops_the_run(images: Dataset, tmp_path: Path) -> None:
    with pytest.raises(NumericalError, match=r"loss became nan in epoch 1.*learning rate 0.003") as caught:
        train("training_nets:Broken", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=QUICK)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_classes_and_labels_that_are_not_there_are_named(images: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labelled 'malign'.*benign, malignant; did you mean 'malignant'"):
        train("small-cnn", images, tmp_path / "m.pt", positive="malign", preprocessing=SMALL)
    benign = images.subset([i for i, e in enumerate(images.entries) if e.label == "benign"], "benign")
    with pytest.raises(DataError, match="two classes"):
        train("small-cnn", benign, tmp_path / "m.pt", positive="benign", preprocessing=SMALL)
    bare = replace(images, entries=tuple(replace(entry, label=None) for entry in images.entries))
    with pytest.raises(DataError, match="none of the 80 images can be read and has a label"):
        train("small-cnn", bare, tmp_path / "m.pt", preprocessing=SMALL)


def test_a_multi_task_network_needs_masks(tmp_path: Path) -> None:
    dataset = open_dataset(write_images(tmp_path / "images", 40, masks=False))
    with pytest.raises(DataError, match=r"none of the .* training images .* has a lesion mask"):
        train(
            "thesis-mtl",
            dataset,
            tmp_path / "m.pt",
            arguments={"backbone": "small-cnn"},
            preprocessing=SMALL,
            recipe=QUICK,
        )


def test_a_place_that_cannot_be_written_is_told_before_the_work(images: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out, words in ((tmp_path / "file" / "m.pt", "cannot be written"), (tmp_path / "m.onnx", ".pt or")):
        with pytest.raises(UsageError, match=words):
            train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK)
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        train("small-cnn", images, tmp_path / "folder.pt", preprocessing=SMALL, recipe=QUICK)


# Evaluating


def test_a_segmentation_network_decides_lesion_where_it_outlines_anything(tmp_path: Path) -> None:
    manifest = write_images(tmp_path, 60)
    lines = manifest.read_text().splitlines()
    normal = [re.sub(r",\d+m.png,\w+,", ",,normal,", line) for line in lines[41:]]
    manifest.write_text("\n".join(lines[:41] + normal) + "\n")
    found = train(
        "thesis-seg",
        open_dataset(manifest, normals="class"),
        tmp_path / "seg.pt",
        arguments={"backbone": "small-cnn"},
        preprocessing=SMALL,
        recipe=replace(QUICK, epochs=1),
        fractions=(0.5, 0.2, 0.3),
    )
    assert found.validation.auc is not None  # so that a threshold could have been chosen
    assert found.model.threshold == 0.5


def test_a_segmentation_network_has_no_diagnosis_to_make_robust(images: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, adversarial=Adversarial(plain_epochs=1))
    with pytest.raises(UsageError, match="thesis-seg makes none; leave it out"):
        train("thesis-seg", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)


@pytest.mark.parametrize(
    ("recipe", "inputs", "words"),
    [
        (Recipe(freeze_backbone=True), (), "starts from random weights"),
        (Recipe(mask_share=0.5), ("mask",), "shown the outlined lesion"),
        (Recipe(mask_boxes=True), ("mask",), "shown the outlined lesion"),
    ],
)
def test_a_recipe_that_contradicts_the_network_is_refused_before_the_work(
    recipe: Recipe, inputs: tuple[str, ...], words: str, images: Dataset, tmp_path: Path
) -> None:
    shown, own = replace(SMALL, inputs=inputs), {"backbone": "small-cnn"}
    with pytest.raises(UsageError, match=words) as caught:
        train("thesis-mtl", images, tmp_path / "m.pt", arguments=own, preprocessing=shown, recipe=recipe)
    assert "\n" not in str(caught.value)


def test_evaluation_takes_a_dataset_unknown_labels_and_any_batch_size(
    trained: Trained, images: Dataset
) -> None:
    model = load(trained.path)
    some = replace(images, entries=(replace(images.entries[0], label=None), *images.entries[1:9]))
    seen: list[tuple[int, int]] = []
    small, large = (
        evaluate(model, some, batch_size=2, progress=lambda *at: seen.append(at)),
        evaluate(model, some),
    )
    assert np.allclose(small.logits, large.logits, atol=1e-5)
    assert small.labels.tolist()[:5] == [-1, 0, 1, 1, 0]
    assert len(set(small.cases)) == 5  # patients
    assert small.dice is None
    assert (seen[0], seen[-1]) == ((2, 9), (9, 9))
    assert small.record().images == 8


def test_an_auc_under_a_half_warns_of_swapped_classes(trained: Trained, images: Dataset) -> None:
    swapped = AuditedModel(load(trained.path).net, classes=("malignant", "benign"), preprocessing=SMALL)
    found = evaluate(swapped, [images[row] for row in trained.split.test])
    warning = swapped_classes(found.record(), found.classes, found.positive)
    assert "under 0.5" in warning
    assert swapped_classes(trained.test, found.classes, found.positive) is None


def test_a_network_no_better_than_chance_is_told(trained: Trained) -> None:
    def of(estimate: float | None) -> CleanRecord:
        interval = Interval(estimate=estimate, low=None, high=None, n=9, cases=9, method="by hand")
        return trained.test.model_copy(update={"auc": interval})

    assert chance(of(0.51)) is None
    assert chance(of(None)) is None
    assert chance(of(0.45)).startswith(
        "the AUC is 0.45: on the test images the model is no better than chance"
    )


def test_real_images_with_pretrained_weights(test_data: Path, tmp_path: Path) -> None:
    file = test_data.parent / "weights" / "mobilenet_v2_imagenet_bnfolded.pth"
    if not file.exists():
        pytest.skip(f"no pretrained weights at {file}")
    net = build("mobilenet_v2", classes=2, channels=3, weights=str(file))
    from xaiaudit.training.batch_norm import norms_to_freeze

    assert len(norms_to_freeze(net, QUICK)) == 52
    found = train(
        "mobilenet_v2",
        open_dataset(test_data / "busi"),
        tmp_path / "m.pt",
        weights=str(file),
        preprocessing=replace(
            SMALL, size=64, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        recipe=replace(QUICK, epochs=1, learning_rate=1e-4),
        limit=120,
    )
    assert 0.3 < found.test.auc.estimate <= 1
