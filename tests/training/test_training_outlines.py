"""Learning from some of the outlines: losses by hand, which outlines are kept, boxes, and training in two stages."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from training_nets import SMALL, Counting, Stopped, write_images

from xaiaudit.data import Dataset, open_dataset
from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, load
from xaiaudit.tensors import Outputs
from xaiaudit.training import Adversarial, Recipe, Silent, Trained, recipe_of, train
from xaiaudit.training.arrays import Arrays, Batch, arrays
from xaiaudit.training.losses import mask_cross_entropy, mask_loss, pseudo_cross_entropy, task_loss
from xaiaudit.training.material import gather
from xaiaudit.training.outlines import boxed, kept_outlines, known_outlines
from xaiaudit.training.validating import validate
from xaiaudit.types import Sample

FAN = Recipe(mask_loss="cross-entropy", alpha=0.5, beta=0.5, pseudo_weight=0.1)
STAGES = replace(FAN, epochs=2, mask_epochs=2, batch_size=8, learning_rate=3e-3)
LA_NET = {"backbone": "small-cnn"}


def of(*probabilities: float) -> torch.Tensor:
    """Mask logits of one image, (1, 1, 1, n)."""
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).view(1, 1, 1, -1)


# Losses


def test_equation_5_alone_rewards_a_mask_of_ones_and_the_two_sided_loss_does_not() -> None:
    masks = torch.tensor([1, 0, 0, 0], dtype=torch.bool).view(1, 1, 1, 4)
    honest, ones = of(0.9, 0.1, 0.1, 0.1), of(0.99, 0.99, 0.99, 0.99)

    def as_printed(logits: torch.Tensor) -> float:  # -Y log P
        return float(-(masks * logits.sigmoid().log()).mean())

    assert as_printed(ones) < as_printed(honest)
    assert mask_cross_entropy(honest, masks).item() == pytest.approx(-math.log(0.9))
    assert mask_cross_entropy(ones, masks).item() == pytest.approx(-(math.log(0.99) + 3 * math.log(0.01)) / 4)


def test_an_empty_outline_teaches_and_an_unknown_one_does_not() -> None:
    logits = torch.cat((of(0.5, 0.5), of(0.75, 0.75), of(0.9, 0.9)))
    masks = torch.zeros(3, 1, 1, 2, dtype=torch.bool)
    masks[0] = True
    known = torch.tensor([True, True, False])  # a lesion, none, and nobody knows
    expected = (math.log(2) + math.log(4)) / 2
    assert mask_cross_entropy(logits, masks, known).item() == pytest.approx(expected)
    logits.requires_grad_()
    mask_cross_entropy(logits, masks, known).backward()
    assert logits.grad[:2].abs().min() > 0
    assert torch.equal(logits.grad[2], torch.zeros(1, 1, 2, dtype=torch.float64))
    assert mask_cross_entropy(logits, masks, torch.zeros(3, dtype=torch.bool)).item() == 0


@pytest.mark.parametrize("kind", ["dice", "cross-entropy"])
def test_a_batch_that_knows_no_outline_has_a_gradient_of_zero(kind: str) -> None:
    logits = of(0.3, 0.6).requires_grad_()
    recipe, unknown = Recipe(mask_loss=kind), torch.zeros(1, dtype=torch.bool)
    masks = torch.zeros(1, 1, 1, 2, dtype=torch.bool)
    loss = mask_loss(Outputs(logits=torch.zeros(1, 2), mask_logits=logits), masks, recipe, unknown)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_pseudo_labels_by_hand() -> None:
    logits = of(0.9, 0.6, 0.1).requires_grad_()  # above 0.8 is lesion; the rest is background
    loss = pseudo_cross_entropy(logits, 0.8)
    assert loss.item() == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.9)) / 3)
    loss.backward()  # (p - y) / 3: no gradient moves the labels
    assert logits.grad.flatten().tolist() == pytest.approx([-0.1 / 3, 0.6 / 3, 0.1 / 3])


def test_equation_6_by_hand() -> None:
    logits = torch.cat((of(0.75, 0.5), of(0.9, 0.1)))
    masks = torch.tensor([[True, False], [False, False]]).view(2, 1, 1, 2)
    known = torch.tensor([True, False])
    out = Outputs(logits=torch.tensor([[0.0, math.log(3)], [0.0, 0.0]]), mask_logits=logits)
    diagnosis = (math.log(4 / 3) + math.log(2)) / 2
    outlined, pseudo = (math.log(4 / 3) + math.log(2)) / 2, -math.log(0.9)
    found = task_loss(out, torch.tensor([1, 0]), masks, FAN, None, known)
    assert found.item() == pytest.approx(0.5 * diagnosis + 0.5 * (outlined + 0.1 * pseudo))
    assert mask_loss(out, masks, FAN, known).item() == pytest.approx(outlined + 0.1 * pseudo)
    without = replace(FAN, pseudo_weight=0.0)
    assert mask_loss(out, masks, without, known).item() == pytest.approx(outlined)


# Which outlines are known


def samples_of(labels: Sequence[str], masks: Sequence[bool] | None = None) -> list[Sample]:
    mask = np.zeros((4, 4), bool)
    shown = [True] * len(labels) if masks is None else masks
    return [
        Sample(
            image=np.zeros((4, 4), np.uint8), label=label, mask=mask if has else None, case=None, file=f"{k}",
            dataset="d", sha256="", source_shape=(4, 4),
        )
        for k, (label, has) in enumerate(zip(labels, shown, strict=True))
    ]  # fmt: skip


def test_arrays_tell_an_unknown_outline_from_an_empty_one() -> None:
    made = arrays(samples_of(["a", "a", "b"], [True, False, True]), ("a", "b"), masks=True)
    assert made.outlined.tolist() == [True, False, True]
    assert not made.masks.any()
    batch = made.batch(torch.tensor([1, 2]), torch.device("cpu"))
    assert batch.outlined.tolist() == [False, True]
    assert batch.take(slice(0, 1)).outlined.tolist() == [False]
    assert arrays(samples_of(["a"]), ("a",), masks=False).outlined is None
    assert Batch(batch.images, batch.labels, None, None).take(slice(0, 1)).outlined is None


def test_an_outline_that_is_shown_is_a_channel_that_no_attack_moves() -> None:
    images, masks = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4) > 0.5
    shown = Batch(images, torch.zeros(2), masks, torch.ones_like(masks)).with_outline()
    assert torch.equal(shown.images, torch.cat((images, masks.float()), 1))
    assert shown.valid[:, 0].all()
    assert not shown.valid[:, 1].any()


def test_whole_cases_keep_their_outlines_and_each_class_the_same_share() -> None:
    labels = ["benign"] * 40 + ["malignant"] * 20
    cases = [f"{k // 2}" for k in range(60)]
    kept = kept_outlines(samples_of(labels), cases, 0.25, seed=0)
    assert sum(k < 40 for k in kept) == 10
    assert len(kept) - 10 in (4, 6)  # 5 of 20 would cut a case in two
    assert {k // 2 for k in kept} == {k // 2 for k in kept if k % 2 == 0} == {k // 2 for k in kept if k % 2}
    assert kept == kept_outlines(samples_of(labels), cases, 0.25, seed=0)
    assert kept != kept_outlines(samples_of(labels), cases, 0.25, seed=1)


def test_a_larger_share_keeps_what_a_smaller_one_kept() -> None:
    samples, cases = samples_of(["a"] * 30 + ["b"] * 30), [f"{k}" for k in range(60)]
    kept = [set(kept_outlines(samples, cases, share, seed=3)) for share in (0.01, 0.25, 0.5, 0.75, 1.0)]
    assert [len(k) for k in kept] == [2, 14, 30, 44, 60]  # 7.5 of 30 goes down
    assert all(less < more for less, more in pairwise(kept))


def test_only_known_outlines_are_counted_and_kept() -> None:
    samples = samples_of(["a"] * 20 + ["b"] * 4, [k % 2 == 0 for k in range(24)])
    kept = kept_outlines(samples, [f"{k}" for k in range(24)], 0.5, seed=0)
    assert len(kept) == 5 + 1
    assert all(k % 2 == 0 for k in kept)
    shown = known_outlines(samples, kept, boxes=False)
    assert [k for k, sample in enumerate(shown) if sample.mask is not None] == list(kept)


def test_a_box_holds_each_lesion_tightly() -> None:
    drawn = """
        #.......
        .#......
        ......##
        .....#..
        ..#.....
    """
    boxes = """
        ##......
        ##......
        .....###
        .....###
        ..#.....
    """
    mask, expected = (np.array([[c == "#" for c in row] for row in text.split()]) for text in (drawn, boxes))
    assert np.array_equal(boxed(mask), expected)
    assert not boxed(np.zeros((3, 3), bool)).any()


# Training


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_images(tmp_path_factory.mktemp("images"), 80))


def run(
    images: Dataset, out: Path, recipe: Recipe = STAGES, *, size: int = 32, progress: Silent | None = None
) -> Trained:
    pixels = replace(SMALL, size=size)
    return train(
        "la-net", images, out, arguments=LA_NET, preprocessing=pixels, recipe=recipe, progress=progress
    )


def test_the_seed_of_the_split_draws_the_outlines_of_its_training_images(images: Dataset) -> None:
    found = gather(images, SMALL, seed=3, fractions=(0.7, 0.1, 0.2), positive="malignant")
    train_images, cases = found.part(found.split.train), found.cases(found.split.train)
    assert found.outlined(0.25) == kept_outlines(train_images, cases, 0.25, seed=3)
    assert found.outlined(0.25) != kept_outlines(train_images, cases, 0.25, seed=0)


def test_a_run_is_not_gone_on_with_on_other_outlines_or_labels(images: Dataset) -> None:
    found = gather(images, SMALL, seed=0, fractions=(0.7, 0.1, 0.2), positive="malignant")
    first, *others = found.samples
    changed = [replace(first, mask=None), replace(first, mask=~first.mask), replace(first, label="malignant")]
    digests = {replace(found, samples=[sample, *others]).digest for sample in (first, *changed)}
    assert len(digests) == 4


def test_the_first_stage_sees_outlined_images_alone_and_teaches_no_diagnosis(
    images: Dataset, tmp_path: Path
) -> None:
    Counting.seen.clear()
    recipe = replace(STAGES, mask_share=0.25, mask_epochs=1, epochs=1)
    found = train("training_nets:Counting", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)
    kept, whole = 6 + 6, len(found.split.train)  # of 28 in each class, 7 would cut a case in two
    assert sum(Counting.seen) == kept + whole
    assert [epoch.mask_alone for epoch in found.history] == [True, False]


def test_the_diagnosis_waits_for_the_second_stage(images: Dataset, tmp_path: Path) -> None:
    heads, steps = [], []
    for stop in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            run(images, tmp_path / f"{stop}.pt", progress=Stopped(stop))
        state = torch.load(tmp_path / f"{stop}.pt.training", weights_only=True)
        heads.append(state["net"]["head.2.weight"])
        steps.append({int(of_weight["step"]) for of_weight in state["optimizer"]["state"].values()})
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[1], heads[2])
    assert steps == [{7}, {14}, {7}]  # of 56 images in batches of 8: Adam starts afresh


def test_a_run_stopped_in_either_stage_goes_on_to_the_same_weights(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(STAGES, mask_share=0.5)
    whole = run(images, tmp_path / "whole.pt", recipe).model.net.state_dict()
    for stop in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            run(images, tmp_path / "m.pt", recipe, progress=Stopped(stop))
    again = run(images, tmp_path / "m.pt", recipe)
    assert len(again.history) == 4
    assert again.history[1].train_loss < again.history[0].train_loss  # the mask's
    assert all(torch.equal(value, whole[key]) for key, value in again.model.net.state_dict().items())


def test_the_checkpoint_says_which_outlines_were_used(images: Dataset, tmp_path: Path) -> None:
    found = run(images, tmp_path / "m.pt", replace(STAGES, mask_share=0.25, mask_boxes=True))
    said = load(found.path).info.training
    assert said["recipe"]["mask_share"] == 0.25
    assert said["recipe"]["mask_boxes"] is True
    assert [epoch["mask_alone"] for epoch in said["history"]] == [True, True, False, False]
    train_images = said["split"]["train"]
    cases = [train_images[position]["case"] for position in said["outlined"]]
    assert len(said["outlined"]) == 12
    assert all(sum(case == other["case"] for other in train_images) == cases.count(case) for case in cases)


@pytest.mark.slow
def test_la_net_learns_both_tasks_from_a_quarter_of_the_outlines(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(STAGES, mask_epochs=12, epochs=4, mask_share=0.25, learning_rate=1e-2)
    found = run(images, tmp_path / "m.pt", recipe, size=96)  # a mask of 6 x 6
    assert found.test.auc.estimate > 0.8
    assert found.test.dice.estimate > 0.4


def test_the_epoch_is_kept_by_accuracy_where_the_recipe_says_so(images: Dataset, tmp_path: Path) -> None:
    found = run(images, tmp_path / "m.pt", replace(STAGES, epochs=4, keep_by="accuracy"))
    second = found.history[2:]
    kept = [epoch for epoch in found.history if epoch.best][-1]
    assert kept in second
    assert kept.validation_accuracy == max(epoch.validation_accuracy for epoch in second)


def test_the_radius_of_an_attack_begins_to_rise_after_the_mask(images: Dataset, tmp_path: Path) -> None:
    adversarial = Adversarial(method="free", plain_epochs=1, ramp_epochs=0)
    found = run(images, tmp_path / "m.pt", replace(STAGES, mask_epochs=1, epochs=2, adversarial=adversarial))
    assert [epoch.epsilon for epoch in found.history] == [None, None, 1 / 255]
    assert [epoch.mask_alone for epoch in found.history] == [True, False, False]


class Said(Stopped):
    def __init__(self) -> None:
        super().__init__(1)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize(
    ("changed", "said"),
    [({}, True), ({"mask_share": 0.5}, False), ({"pseudo_weight": 0.0}, False)],
)
def test_pseudo_labels_that_no_image_takes_are_said_to_teach_nothing(
    changed: dict[str, float], said: bool, images: Dataset, tmp_path: Path
) -> None:
    progress = Said()
    with pytest.raises(KeyboardInterrupt):
        run(images, tmp_path / "m.pt", replace(STAGES, **changed), progress=progress)
    line = "pseudo-labels teach nothing here (weight 0.1): the outline of each of the 56 training images is known"
    assert (line in progress.lines) is said


def test_patience_begins_with_the_diagnosis(images: Dataset, tmp_path: Path) -> None:
    recipe = replace(STAGES, mask_epochs=3, epochs=9, patience=2)
    found = train("training_nets:StubbornMask", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)
    assert len(found.history) == 3 + 1 + 2


def test_a_network_without_a_mask_has_no_use_for_shares(images: Dataset, tmp_path: Path) -> None:
    for recipe in (Recipe(mask_share=0.5), Recipe(mask_boxes=True), Recipe(mask_epochs=1)):
        with pytest.raises(UsageError, match="gives no mask"):
            train("small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe)


def test_the_recipe_of_the_paper() -> None:
    recipe = recipe_of("la-net")
    assert (recipe.pseudo_threshold, recipe.pseudo_weight) == (0.8, 0.1)  # tau and alpha
    assert (recipe.alpha, recipe.beta) == (0.5, 0.5)  # lambda and 1 - lambda
    assert (recipe.batch_size, recipe.learning_rate, recipe.optimizer) == (8, 1e-3, "adam")
    assert (recipe.mask_loss, recipe.keep_by) == ("cross-entropy", "accuracy")
    assert recipe_of("rmtl").pseudo_weight == 0


@pytest.mark.parametrize("kind", ["dice", "cross-entropy"])
@pytest.mark.parametrize("mask_alone", [True, False])
def test_the_validation_loss_does_not_depend_on_the_batches(kind: str, mask_alone: bool) -> None:
    """Of seven images the last three teach nothing (dice), or the last two (an empty outline is one)."""
    torch.manual_seed(0)
    masks = torch.rand(7, 1, 8, 8) > 0.5
    masks[4:] = False
    known = torch.tensor([True] * 5 + [False] * 2)
    labels = torch.tensor([0, 1, 0, 0, 1, 0, 0])
    images = Arrays(torch.randint(0, 256, (7, 1, 8, 8), dtype=torch.uint8), labels, masks, outlined=known)
    model, weights = AuditedModel(Counting(), preprocessing=replace(SMALL, size=8)), torch.tensor([0.7, 1.75])
    recipe = replace(FAN, mask_loss=kind, alpha=0.3, beta=2.0)
    found = [
        validate(
            model, images, replace(recipe, batch_size=size), weights, device=torch.device("cpu"), mask_alone=mask_alone
        )
        for size in (1, 2, 3, 7)
    ]  # fmt: skip
    with torch.no_grad():
        out = model(images.images / 255)
    drawn = mask_loss(out, masks, replace(recipe, pseudo_weight=0), known)
    diagnosis = torch.nn.functional.cross_entropy(out.logits, labels, weight=weights)
    wanted = drawn if mask_alone else 0.3 * diagnosis + 2 * drawn
    assert [loss for loss, _, _ in found] == pytest.approx([wanted.item()] * 4)
    assert len({said[1:] for said in found}) == 1  # AUC and accuracy
