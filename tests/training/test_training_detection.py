"""How detectors learn: targets, steps, and four images by heart."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from small_models import SMALL_ARGUMENTS

from xaiaudit.data import phantom_dataset, prepare
from xaiaudit.errors import UsageError
from xaiaudit.functional import soft_dice
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.detection.detector import Detector
from xaiaudit.models.detection.targets import Target
from xaiaudit.training import detection
from xaiaudit.training.arrays import Arrays, Batch, arrays
from xaiaudit.training.augment import augment_batch
from xaiaudit.training.recipe import Recipe, check_fits, recipe_of
from xaiaudit.types import Preprocessing, Sample

GREY = Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))


@cache
def phantoms() -> tuple[Sample, ...]:
    prepared = [prepare(sample, GREY) for sample in phantom_dataset(16, size=64, seed=1)]
    return tuple(
        s for label in ("benign", "malignant") for s in [s for s in prepared if s.label == label][:2]
    )


def model(name: str = "ft-mtl-net", **arguments: object) -> AuditedModel:
    torch.manual_seed(0)
    net = build(name, classes=2, channels=1, **{**SMALL_ARGUMENTS[name], "regions": 8, **arguments})
    return AuditedModel(net, preprocessing=GREY)


def four(made: AuditedModel) -> tuple[Arrays, Batch]:
    data = arrays(phantoms(), made.classes, masks=True)
    return data, data.batch(torch.arange(4), torch.device("cpu"))


def test_targets_are_the_lesions_of_the_outline() -> None:
    masks = torch.zeros(2, 1, 40, 50, dtype=torch.bool)
    masks[0, 0, 5:15, 10:30], masks[0, 0, 25:35, 40:45] = True, True
    batch = Batch(torch.zeros(2, 1, 40, 50), torch.tensor([1, -1]), masks, None)
    both, none = detection.targets(batch)
    assert both["boxes"].tolist() == [[10, 5, 30, 15], [40, 25, 45, 35]]
    assert both["labels"].tolist() == [2, 2]  # 0 is the background
    assert both["masks"].sum((1, 2)).tolist() == [200, 50]
    assert none["boxes"].shape == (0, 4)
    assert none["masks"].shape == (0, 40, 50)


def test_boxes_move_with_the_image_and_stay_tight() -> None:
    made = model()
    recipe = Recipe(flip=1.0, rotation=30.0, shift=0.2, zoom=0.2)
    moved = augment_batch(four(made)[1], recipe, torch.Generator().manual_seed(2))
    assert moved.masks is not None
    for mask, target in zip(moved.masks[:, 0].numpy(), detection.targets(moved), strict=True):
        rows, columns = np.nonzero(mask)
        x0, y0, x1, y1 = target["boxes"][0].tolist()
        assert (x0, y0, x1, y1) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_a_lesion_that_is_moved_out_of_the_image_leaves_background() -> None:
    made = model()
    batch = four(made)[1]
    assert batch.masks is not None
    gone = batch._replace(masks=torch.zeros_like(batch.masks))
    assert all(len(target["boxes"]) == 0 for target in detection.targets(gone))
    net = made.net
    assert isinstance(net, Detector)
    net.train()
    loss = detection.loss(net, made.normalise(gone.images), detection.targets(gone), "all")
    assert bool(loss.isfinite())


def test_each_step_moves_its_own_parts_alone() -> None:
    made = model()
    net = made.net
    assert isinstance(net, Detector)
    _, batch = four(made)
    moving = {
        "proposals": {"shared", "proposals"},
        "heads": {"box", "segmentation", "classifier"},
        "all but proposals": {"shared", "box", "segmentation", "classifier"},
        "all": {"shared", "proposals", "box", "segmentation", "classifier"},
    }
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)  # momentum must not carry a part on
    for step, parts in moving.items():
        before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        net.train()
        detection.let_learn(net, step)  # type: ignore[arg-type]
        for _ in range(2):
            optimizer.zero_grad()
            wanted = detection.targets(batch)
            detection.loss(net, made.normalise(batch.images), wanted, step).backward()  # type: ignore[arg-type]
            optimizer.step()
        moved = {
            name.partition(".")[0]
            for name, tensor in net.state_dict().items()
            if not torch.equal(tensor, before[name])
        }
        assert moved == parts


def test_the_steps_follow_one_another() -> None:
    recipe = Recipe(proposal_epochs=2, head_epochs=1, epochs=3)
    steps = [detection.step_of(number, recipe) for number in range(1, recipe.all_epochs + 1)]
    assert steps == ["proposals", "proposals", "heads", "all", "all", "all"]
    assert detection.step_of(4, replace(recipe, tune_proposals=False)) == "all but proposals"


def test_the_validation_loss_is_the_same_whenever_it_is_asked() -> None:
    made = model()
    data, _ = four(made)
    before = {name: tensor.clone() for name, tensor in made.net.state_dict().items()}
    torch.manual_seed(5)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    found = {
        detection.validation_loss(made, data, Recipe(batch_size=2), "all", seed=3, device=torch.device("cpu"))
        for _ in range(2)
    }
    assert len(found) == 1
    assert torch.equal(torch.rand(1), drawn)  # nothing was drawn from the run's own state
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.net.state_dict().items())
    assert not made.net.training


@pytest.mark.parametrize(("name", "rate"), [("ft-mtl-net", 2e-3), ("mask-rcnn", 1e-3)])
def test_four_images_are_learnt_by_heart(name: str, rate: float) -> None:
    made = model(name, regions=16, mask_width=32)
    net = made.net
    assert isinstance(net, Detector)
    _, batch = four(made)
    wanted, images = detection.targets(batch), made.normalise(batch.images)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for number in range(200):
        net.train()
        step: detection.Step = "proposals" if number < 20 else "all"
        detection.let_learn(net, step)
        optimizer.zero_grad()
        detection.loss(net, images, wanted, step).backward()
        optimizer.step()
        if number % 10 == 9 and learnt(made, batch, wanted):
            return
    raise AssertionError("not learnt in 200 steps")


def learnt(made: AuditedModel, batch: Batch, wanted: list[Target]) -> bool:
    """Every decision is right, every lesion has a box that counts, and is outlined."""
    made.net.eval()
    with torch.no_grad():
        out = made(batch.images)
    assert out.boxes is not None
    assert out.mask_logits is not None
    assert batch.masks is not None
    found = [
        max((overlap(box, target["boxes"][0]) for box in drawn.xyxy[drawn.score >= 0.5]), default=0.0) > 0.5
        for drawn, target in zip(out.boxes, wanted, strict=True)
    ]
    decided = bool((out.logits.argmax(1) == batch.labels).all())
    return decided and all(found) and float(soft_dice(out.mask_logits >= 0, batch.masks).min()) > 0.5


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    low, high = torch.maximum(a[:2], b[:2]), torch.minimum(a[2:], b[2:])
    shared = (high - low).clamp(min=0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


@pytest.mark.parametrize(
    ("architecture", "change", "said"),
    [
        ("ft-mtl-net", {"mask_boxes": True}, "boxes in place of outlines"),
        ("mask-rcnn", {"copies": 2, "flip": 0.5}, "augmented copies"),
        ("ft-mtl-net", {"freeze_backbone": True}, "a frozen backbone"),
        ("small-cnn", {"proposal_epochs": 1}, "draws no boxes"),
        ("small-cnn", {"head_epochs": 1}, "draws no boxes"),
    ],
)
def test_a_recipe_that_does_not_fit_is_told(architecture: str, change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_fits(Recipe(**change), architecture, "none", GREY)  # type: ignore[arg-type]


def test_the_recipe_is_the_papers() -> None:
    recipe = recipe_of("ft-mtl-net")
    assert (recipe.proposal_epochs, recipe.head_epochs, recipe.epochs, recipe.batch_size) == (10, 10, 10, 8)
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum) == ("sgd", 0.005, 0.9)
