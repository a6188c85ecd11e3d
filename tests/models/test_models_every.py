"""Every architecture of the registry, small: it learns, is saved and loaded, attacked and explained."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import SMALL_ARGUMENTS

from xaiaudit.attacks.criteria.leave_decision import LeaveDecision
from xaiaudit.attacks.registry import attack
from xaiaudit.data import phantom_dataset, prepare
from xaiaudit.data.datasets import LESION_CLASSES
from xaiaudit.data.preprocess import stack
from xaiaudit.explainers.cam import CAM
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.functional import soft_dice
from xaiaudit.models import MODELS, AuditedModel, build, load, save
from xaiaudit.models.detection.detector import Detector
from xaiaudit.models.prepared import prepared
from xaiaudit.training import detection
from xaiaudit.training.arrays import Batch
from xaiaudit.training.losses import class_weights, task_loss
from xaiaudit.training.optimizers import optimizer
from xaiaudit.training.recipe import recipe_of
from xaiaudit.types import Preprocessing, Sample

SIZES = {"mt-estan": 32}  # pixels, where a network is slow; the others get 64
RATES = {"mt-estan": 1e-3}  # of learning, where 3e-3 is too fast for half of the units dropped
STEPS = 60  # of all eight images at once, at most
PROPOSING, DRAWING = 5, 20  # of a network that draws boxes: of its proposals, then of all its parts


@cache
def phantoms() -> list[Sample]:
    return list(phantom_dataset(16, size=64, seed=1))


def eight(model: AuditedModel) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images (8, 1, h, w), labels and masks: four benign and four malignant phantoms."""
    samples = [prepare(sample, model.preprocessing) for sample in phantoms()]
    samples = [s for label in ("benign", "malignant") for s in [s for s in samples if s.label == label][:4]]
    batch = stack(samples)
    labels = torch.tensor([int(label == "malignant") for label in batch.labels])
    return torch.from_numpy(batch.images), labels, torch.from_numpy(batch.masks)[:, None]


def made(name: str) -> AuditedModel:
    torch.manual_seed(0)
    entry = MODELS[name]
    net = build(name, classes=2, channels=1, **SMALL_ARGUMENTS.get(name, {}))
    names = ("benign", "malignant") if "class" in entry.heads else LESION_CLASSES
    grey = Preprocessing(size=SIZES.get(name, 64), channels=1, mean=(0.3,), std=(0.2,))
    return AuditedModel(net, classes=names, positive=names[1], preprocessing=grey)


def learnt(model: AuditedModel, images: torch.Tensor, labels: torch.Tensor, masks: torch.Tensor) -> bool:
    """As it is used afterwards, by the running averages of batch norm."""
    model.net.eval()
    with torch.no_grad():
        out = model(images)
    decided = bool((out.logits.argmax(1) == labels).float().mean() >= 7 / 8)
    return decided and (out.mask_logits is None or bool(soft_dice(out.mask_logits >= 0, masks).mean() > 0.5))


def learn(
    model: AuditedModel, name: str, images: torch.Tensor, labels: torch.Tensor, masks: torch.Tensor
) -> list[float]:
    """Losses of full batches by the architecture's own loss, until it has learnt; the rate suits eight images."""
    if model.draws_boxes:
        return learn_boxes(model, images, labels, masks)
    recipe = recipe_of(name, learning_rate=RATES.get(name, 3e-3), optimizer="adam", freeze_backbone=False)
    given = masks if model.has_mask else None
    weights = class_weights(recipe, labels, 2, model.positive)
    moves, losses = optimizer(model.net, recipe), []
    for _ in range(STEPS):
        model.net.train()
        out = model.read(model.net(model.normalise(images)), images)
        loss = task_loss(out, labels, given, recipe, weights)
        moves.zero_grad()
        loss.backward()
        moves.step()
        losses.append(loss.item())
        if len(losses) % 5 == 0 and losses[-1] < 0.5 * losses[0] and learnt(model, images, labels, masks):
            break
    model.net.eval()
    return losses


def learn_boxes(
    model: AuditedModel, images: torch.Tensor, labels: torch.Tensor, masks: torch.Tensor
) -> list[float]:
    """Losses of the step in which all parts learn, for a moment: `test_training_detection` learns to the end."""
    net, wanted = model.net, detection.targets(Batch(images, labels, masks, None))
    assert isinstance(net, Detector)
    moves, losses = torch.optim.Adam(net.parameters(), lr=1e-3), []
    for number in range(PROPOSING + DRAWING):
        step: detection.Step = "proposals" if number < PROPOSING else "all"
        net.train()
        detection.let_learn(net, step)
        loss = detection.loss(net, model.normalise(images), wanted, step)
        moves.zero_grad()
        loss.backward()
        moves.step()
        losses += [loss.item()] if step == "all" else []
    net.eval()
    return losses


@pytest.mark.parametrize("name", MODELS)
def test_it_learns_eight_images_and_is_saved_attacked_and_explained(name: str, tmp_path: Path) -> None:
    model = made(name)
    images, labels, masks = eight(model)
    if model.draws_boxes:  # every region is outlined on its own, which takes its time
        images, labels, masks = images[::2], labels[::2], masks[::2]
    labels = labels if "class" in MODELS[name].heads else torch.ones_like(labels)
    losses = learn(model, name, images, labels, masks)
    assert np.isfinite(losses).all()
    assert losses[-1] < (1.0 if model.draws_boxes else 0.5) * losses[0]
    save(model, tmp_path / "m.pt", architecture=name, arguments=SMALL_ARGUMENTS.get(name, {}))
    model = load(tmp_path / "m.pt")
    assert model.draws_boxes or learnt(model, images, labels, masks)
    with torch.no_grad():
        out = model(images)
    with prepared(model) as ready, torch.no_grad():
        for said in (
            ready.search(images),
            model(images),
        ):  # and the search leaves nothing behind in the model
            torch.testing.assert_close(said.logits, out.logits, rtol=1e-3, atol=1e-3)
    decided = out.logits.argmax(1)
    found = attack("pgd", epsilon=0.2, steps=5)(model, images, LeaveDecision(out.logits))
    assert torch.equal(found.reached, model(found.images).logits.argmax(1) != decided)
    assert (found.images - images).abs().max() <= 0.2 + 1e-6
    assert (found.images != images).any()
    maps = GradCAM()(model, images, decided)
    assert maps.isfinite().all()
    assert maps.flatten(1).any(1).any()
    if MODELS[name].exact_cam:
        assert CAM()(model, images, decided).isfinite().all()
