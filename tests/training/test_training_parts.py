"""The parts of training by hand: losses, augmentation, batch norms, devices, the state file."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from xaiaudit.errors import UsageError
from xaiaudit.models import MODELS, build
from xaiaudit.models.weights import head_name
from xaiaudit.tensors import Outputs
from xaiaudit.training.augment import augment, jitter
from xaiaudit.training.batch_norm import freeze, norms_to_freeze
from xaiaudit.training.curves import draw_losses
from xaiaudit.training.devices import make_fabric
from xaiaudit.training.grid import preprocessing_of
from xaiaudit.training.losses import (
    balanced_weights,
    class_loss,
    class_weights,
    dice_loss,
    mask_cross_entropy,
    task_loss,
)
from xaiaudit.training.optimizers import optimizer
from xaiaudit.training.progress import Epoch, console
from xaiaudit.training.recipe import Recipe, recipe_of
from xaiaudit.training.state import StateFile
from xaiaudit.types import ONE_CHANNEL, Preprocessing

STILL = {"flip": 0.0, "rotation": 0.0, "shift": 0.0}


# Losses


def test_the_dice_loss_by_hand() -> None:
    masks = torch.tensor([[[[True, True], [False, False]]], [[[False, False], [False, False]]]])
    logits = torch.full(
        (2, 1, 2, 2), 0.0
    )  # a half everywhere: 1 - 2 * 1 / (2 + 2); the empty one is left out
    assert dice_loss(logits, masks).item() == pytest.approx(0.5)
    assert dice_loss(logits[1:], masks[1:]).item() == 0
    sure = torch.where(masks, 50.0, -50.0)
    assert dice_loss(sure, masks).item() == pytest.approx(0, abs=1e-6)


def test_the_task_loss_weighs_its_two_parts_as_equation_6() -> None:
    out = Outputs(logits=torch.tensor([[0.0, math.log(3)]]), mask_logits=torch.zeros(1, 1, 2, 2))
    masks = torch.tensor([[[[True, True], [False, False]]]])
    labels = torch.tensor([1])
    loss = task_loss(out, labels, masks, Recipe(alpha=0.2, beta=3.0), None)
    assert loss.item() == pytest.approx(0.2 * math.log(4 / 3) + 3 * 0.5)
    alone = task_loss(Outputs(logits=out.logits), labels, None, Recipe(), None)
    assert alone.item() == pytest.approx(math.log(4 / 3))


def test_the_loss_of_a_one_logit_model_is_binary_cross_entropy() -> None:
    z = torch.tensor([0.3, -1.2, 2.0])
    labels = torch.tensor([1, 0, 0])
    out = Outputs(logits=torch.stack((torch.zeros(3), z), 1), one_logit=True)
    expected = nn.functional.binary_cross_entropy_with_logits(z, labels.float())
    assert task_loss(out, labels, None, Recipe(), None).item() == pytest.approx(expected.item())


def naive_weighted(z: torch.Tensor, t: torch.Tensor, w: float) -> torch.Tensor:
    """Equation 8 of Shareef et al. as printed."""
    p = torch.sigmoid(z)
    return -(w * t * p.log() + (1 - t) * (1 - p).log()).mean()


@pytest.mark.parametrize("positive", [0, 1])
def test_the_weighted_loss_is_the_naive_one_where_that_does_not_overflow(positive: int) -> None:
    z = torch.tensor([0.3, -1.2, 2.0, 7.5], dtype=torch.float64)
    labels = torch.tensor([1, 0, 0, 1])
    recipe = Recipe(loss="weighted", positive_weight=3.0)
    weights = class_weights(recipe, labels, 2, positive)
    assert weights is not None
    logits = torch.stack((torch.zeros(4), z), 1)
    t = (labels == positive).double()
    expected = naive_weighted(z if positive else -z, t, 3.0)
    assert class_loss(logits, labels, recipe, weights.double()).item() == pytest.approx(expected.item())


def test_the_weighted_loss_stays_finite_where_the_naive_one_overflows() -> None:
    z = torch.tensor([-500.0, 500.0])
    logits = torch.stack((torch.zeros(2), z), 1).requires_grad_()
    labels = torch.tensor([1, 1])
    recipe = Recipe(loss="weighted", positive_weight=2.0)
    assert not naive_weighted(z, labels.float(), 2.0).isfinite()
    loss = class_loss(logits, labels, recipe, torch.tensor([1.0, 2.0]))
    assert loss.item() == pytest.approx(500.0)  # (2 * 500 + 2 * 0) / 2
    (slopes,) = torch.autograd.grad(loss, logits)
    assert slopes[:, 1].tolist() == pytest.approx([-1.0, 0.0])


def test_the_focal_loss_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [0.0, math.log(3)]])  # p of class 1 is 3/4
    labels = torch.tensor([1, 0])
    recipe = Recipe(loss="focal", focal_gamma=2.0, focal_alpha=0.25)
    weights = class_weights(recipe, labels, 2, 1)
    expected = (0.25 * (1 / 4) ** 2 * math.log(4 / 3) + 0.75 * (3 / 4) ** 2 * math.log(4)) / 2
    assert class_loss(logits, labels, recipe, weights).item() == pytest.approx(expected)
    oracle = sigmoid_focal_loss(logits[:, 1], labels.float(), alpha=0.25, gamma=2.0, reduction="mean")
    assert expected == pytest.approx(oracle.item())
    flat = Recipe(loss="focal", focal_gamma=0.0, focal_alpha=0.5)
    half = class_loss(logits, labels, flat, class_weights(flat, labels, 2, 1))
    assert half.item() == pytest.approx(nn.functional.cross_entropy(logits, labels).item() / 2)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 4.0])
def test_the_focal_loss_has_a_finite_gradient_where_the_model_is_sure(gamma: float) -> None:
    logits = torch.tensor([[0.0, 200.0], [0.0, -200.0]], requires_grad=True)
    recipe = Recipe(loss="focal", focal_gamma=gamma)
    loss = class_loss(logits, torch.tensor([1, 1]), recipe, torch.tensor([0.75, 0.25]))
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


def test_the_mask_cross_entropy_counts_lesion_and_background() -> None:
    masks = torch.tensor([[[[True, False]]], [[[False, False]]]])
    logits = torch.tensor([[[[0.0, math.log(3)]]], [[[9.0, 9.0]]]])
    known = torch.tensor([True, False])  # the second is left out
    assert mask_cross_entropy(logits, masks, known).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    ones = torch.full((1, 1, 1, 2), 20.0)  # a mask of ones is not free
    assert mask_cross_entropy(ones, masks[:1]).item() == pytest.approx(10, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD), ("nadam", torch.optim.NAdam)]
)
def test_optimizers_by_name(name: str, kind: type[torch.optim.Optimizer]) -> None:
    found = optimizer(nn.Linear(2, 2), Recipe(optimizer=name, learning_rate=0.01))
    assert type(found) is kind
    assert found.param_groups[0]["lr"] == 0.01
    assert name != "sgd" or found.param_groups[0]["momentum"] == 0.9


def learnt_frozen(net: nn.Module) -> set[str]:
    """What one step changes of a network whose backbone is frozen."""
    recipe = Recipe(freeze_backbone=True, optimizer="sgd", learning_rate=0.5, momentum=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    moves, norms = optimizer(net, recipe), norms_to_freeze(net, recipe)
    net.train()
    freeze(norms)
    found = net(torch.rand(4, 1, 64, 64))
    outputs = found.values() if isinstance(found, dict) else (found,)
    sum(output.square().sum() for output in outputs).backward()
    moves.step()
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("architecture", ["resnet18", "small-cnn"])
def test_a_frozen_backbone_learns_nothing_and_keeps_its_statistics(architecture: str) -> None:
    net = build(architecture, classes=2, channels=1)
    head = head_name(net)
    assert learnt_frozen(net) == {f"{head}.weight", f"{head}.bias"}


@pytest.mark.parametrize(
    "architecture", ["timm:vit_tiny_patch16_224", "vgg11", "mobilenet_v3_small"]
)  # tokens of no layer; dense layers, pretrained too, before that of the logits
def test_of_a_frozen_classifier_the_layer_of_the_logits_alone_learns(architecture: str) -> None:
    with torch.device("meta"):
        net = build(architecture, classes=2, channels=3)
    optimizer(net, Recipe(freeze_backbone=True))
    head = head_name(net)
    learnt = [name for name, parameter in net.named_parameters() if parameter.requires_grad]
    assert learnt == [f"{head}.weight", f"{head}.bias"]


@pytest.mark.parametrize(
    ("architecture", "learning"),
    [
        ("bench-mtl", {"head", "decoder"}),
        ("thesis-mtl", {"decoder", "encoder.head"}),
        ("thesis-seg", {"decoder"}),
        ("la-net", {"localiser", "head"}),
    ],
)
def test_a_frozen_encoder_leaves_head_and_decoder_to_learn(architecture: str, learning: set[str]) -> None:
    changed = learnt_frozen(build(architecture, classes=2, channels=1, backbone="small-cnn"))
    assert {next(part for part in learning if name.startswith(part)) for name in changed} == learning


def test_balanced_weights_by_hand() -> None:
    assert balanced_weights(torch.tensor([0, 0, 0, 1]), 2).tolist() == pytest.approx([4 / 6, 2.0])


# Augmentation


def marked() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.zeros(1, 1, 40, 40)
    images[0, 0, 10:14, 4:8] = 1.0
    return images, images > 0.5


def test_without_any_change_the_images_stay_as_they_are() -> None:
    images = torch.rand(3, 1, 8, 12, generator=torch.Generator().manual_seed(0))
    moved, masks = augment(images, images > 0.5, Recipe(**STILL), torch.Generator())
    assert torch.allclose(moved, images, atol=1e-5)
    assert torch.equal(masks, images > 0.5)


def test_a_flip_is_a_mirror_image_of_image_and_mask() -> None:
    images, masks = marked()
    moved, moved_masks = augment(images, masks, Recipe(**(STILL | {"flip": 1.0})), torch.Generator())
    assert torch.allclose(moved, images.flip(3), atol=1e-5)
    assert torch.equal(moved_masks, masks.flip(3))


def test_an_upside_down_flip_mirrors_image_and_mask_the_other_way() -> None:
    images, masks = marked()
    recipe = Recipe(**(STILL | {"vertical_flip": 1.0}))
    moved, moved_masks = augment(images, masks, recipe, torch.Generator())
    assert torch.allclose(moved, images.flip(2), atol=1e-5)
    assert torch.equal(moved_masks, masks.flip(2))


def test_brightness_multiplies_and_stays_within_its_bound() -> None:
    images = torch.full((200, 1, 2, 2), 0.5)
    images[..., 0, 0] = 0  # black stays black
    moved = jitter(images, None, Recipe(brightness=0.2), torch.Generator().manual_seed(0))
    factors = moved[:, 0, 1, 1] / 0.5
    assert 0.8 <= factors.min() < 0.82
    assert 1.18 < factors.max() <= 1.2
    assert torch.equal(moved[..., 0, 0], torch.zeros(200, 1))
    assert jitter(torch.ones(50, 1, 2, 2), None, Recipe(brightness=0.2), torch.Generator()).max() <= 1


def test_contrast_stretches_about_the_mean_of_real_pixels_and_leaves_padding() -> None:
    images = torch.zeros(200, 1, 1, 4)
    images[..., 1:] = torch.tensor([0.4, 0.5, 0.6])  # mean 0.5; the first pixel is padding
    valid = torch.tensor([False, True, True, True]).expand(200, 1, 1, 4)
    moved = jitter(images, valid, Recipe(contrast=0.5), torch.Generator().manual_seed(0))
    assert torch.equal(moved[..., 0], torch.zeros(200, 1, 1))
    torch.testing.assert_close(moved[..., 2], torch.full((200, 1, 1), 0.5))
    half = moved[:, 0, 0, 3] - 0.5
    torch.testing.assert_close(0.5 - moved[:, 0, 0, 1], half)
    assert 0.05 <= half.min() < 0.06
    assert 0.14 < half.max() <= 0.15


def test_what_is_not_asked_for_draws_nothing() -> None:
    images = torch.rand(2, 1, 4, 4)
    generator = torch.Generator().manual_seed(3)
    state = generator.get_state()
    assert torch.equal(jitter(images, None, Recipe(), generator), images)
    assert torch.equal(generator.get_state(), state)


def test_shifts_are_vertical_within_their_bound_and_bring_in_zeros() -> None:
    images = torch.ones(200, 1, 40, 6)
    moved, _ = augment(images, None, Recipe(**(STILL | {"shift": 0.1})), torch.Generator().manual_seed(0))
    lost = 40 - moved.sum((1, 2, 3)) / 6  # rows
    assert 3 < lost.max() <= 4 + 1e-4  # 10 % of 40 rows
    assert lost.min() >= -1e-4
    assert torch.allclose(moved[..., 0], moved[..., 5])  # nothing moved sideways


def test_rotations_stay_within_their_bound_and_take_the_mask_along() -> None:
    images, masks = marked()
    images, masks = images.repeat(100, 1, 1, 1), masks.repeat(100, 1, 1, 1)
    recipe = Recipe(**(STILL | {"rotation": 5.0}))
    moved, moved_masks = augment(images, masks, recipe, torch.Generator().manual_seed(0))
    rows, columns = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(40) + 0.5, indexing="ij")

    def angles(blob: torch.Tensor) -> torch.Tensor:
        y, x = ((blob * axis).sum((1, 2, 3)) / blob.sum((1, 2, 3)) - 20 for axis in (rows, columns))
        return torch.rad2deg(torch.atan2(y, x)) - math.degrees(math.atan2(12 - 20, 6 - 20))

    turned = (angles(moved) + 180) % 360 - 180
    assert 4 < turned.abs().max() < 5.01
    assert (turned - ((angles(moved_masks.float()) + 180) % 360 - 180)).abs().max() < 2.5  # a pixel is 3.6


def test_a_rotation_turns_circles_into_circles_on_any_grid() -> None:
    rows, columns = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(100) + 0.5, indexing="ij")
    disc = (((rows - 30) ** 2 + (columns - 50) ** 2) < 400).float()[None, None]
    recipe = Recipe(**(STILL | {"rotation": 90.0}))
    moved, _ = augment(disc.repeat(20, 1, 1, 1), None, recipe, torch.Generator().manual_seed(0))
    assert (moved - disc).abs().mean() < 0.01


def test_draws_come_from_the_generator_alone() -> None:
    images = torch.rand(4, 1, 16, 16)
    first, again = (augment(images, None, Recipe(), torch.Generator().manual_seed(7))[0] for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, images)


# Batch norms


def folded_pair() -> nn.Sequential:
    folded, fresh = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    with torch.no_grad():
        folded.bias.add_(torch.tensor([0.1, -0.2, 0.0, 0.4]))
    return nn.Sequential(nn.Conv2d(1, 4, 3), folded, nn.Conv2d(4, 4, 3), fresh)


def test_only_a_folded_batch_norm_keeps_its_statistics() -> None:
    net = folded_pair()
    assert norms_to_freeze(net, Recipe()) == [net[1]]
    assert norms_to_freeze(net, Recipe(batch_norm="freeze")) == [net[1], net[3]]
    assert norms_to_freeze(net, Recipe(batch_norm="train")) == []
    trained = folded_pair()
    trained(torch.rand(8, 1, 9, 9))
    assert norms_to_freeze(trained, Recipe()) == []


def test_a_frozen_batch_norm_learns_but_does_not_count() -> None:
    net = folded_pair().train()
    freeze(norms_to_freeze(net, Recipe()))
    net(torch.rand(8, 1, 9, 9)).square().sum().backward()
    assert net[1].running_mean.tolist() == [0, 0, 0, 0]
    assert net[1].weight.grad is not None
    assert net[3].running_mean.any()


# Settings, devices, state, picture, progress


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": -1}, "batch size must be at least 1, got -1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"learning_rate": 10.0}, "learning rate must lie between 0 and 1, got 10.0"),
        ({"alpha": 0.0, "beta": 0.0}, "alpha and beta"),
        ({"shift": 10.0}, "augmentation"),
        ({"mask_share": 0.0}, r"mask share must lie in .0, 1., got 0.0"),
        ({"mask_epochs": -1}, "mask epochs must be at least 0"),
        ({"pseudo_threshold": 1.0}, "pseudo-labels need"),
        ({"brightness": 1.5}, "brightness and contrast are changes of a factor"),
    ],
)
def test_a_recipe_out_of_range_says_so(changed: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Recipe(**changed)


@pytest.mark.parametrize("architecture", MODELS)
def test_every_architecture_has_a_recipe_that_can_be_changed(architecture: str) -> None:
    assert recipe_of(architecture, epochs=3, optimizer="sgd") == replace(
        recipe_of(architecture), epochs=3, optimizer="sgd"
    )


def test_the_recipes_of_the_benchmark() -> None:
    single, multi = recipe_of("bench-stl"), recipe_of("bench-mtl")
    assert (single.optimizer, single.learning_rate, single.batch_size, single.epochs) == (
        "adam",
        1e-5,
        32,
        50,
    )
    assert (single.loss, single.positive_weight) == ("weighted", 3)  # equation 9, table 7
    assert (multi.epochs, multi.batch_size, multi.loss, multi.mask_loss) == (70, 32, "cross-entropy", "dice")
    assert (multi.alpha, multi.beta) == (1.5, 1)


@pytest.mark.parametrize("device", ["gpu", "cpu:1", "cuda:x"])
def test_a_device_that_is_none_is_named(device: str) -> None:
    with pytest.raises(UsageError, match=device):
        make_fabric(device, 1, "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="needs 1 CUDA devices, torch sees 0"):
        make_fabric("cuda", 1, "float32")
    assert make_fabric("auto", 1, "bf16").device.type == "cpu"


def test_a_state_file_belongs_to_one_run(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "model.pt.training", {"seed": 1, "learning_rate": 1e-4})
    assert state.read() is None
    state.write({"net": {"w": torch.ones(2)}})
    assert state.read()["net"]["w"].tolist() == [1, 1]
    with pytest.raises(UsageError, match=r"learning rate 0.0001, now 0.1"):
        StateFile(state.path, {"seed": 1, "learning_rate": 0.1}).read()
    state.path.write_bytes(state.path.read_bytes()[:100])
    with pytest.raises(UsageError, match="--restart"):
        state.read()
    state.delete()
    state.delete()
    assert state.read() is None


HISTORY = [
    Epoch(number=i, train_loss=1 / i, validation_loss=loss, validation_auc=0.8, seconds=3.0, best=i < 3)
    for i, loss in enumerate((0.9, 0.6, 0.7), start=1)
]


def test_the_loss_picture_is_a_png(tmp_path: Path) -> None:
    draw_losses(HISTORY, tmp_path / "loss.png", "a title")
    from PIL import Image

    pixels = np.asarray(Image.open(tmp_path / "loss.png").convert("L"))
    assert pixels.shape == (480, 720)
    assert (pixels < 128).sum() > 500


def test_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, console(log) as progress:
        progress.say("BUSI, " + "long " * 40)
        progress.batch(1, 3, 5, 10)
        for epoch in HISTORY:
            progress.epoch(epoch, 3)
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 4
    assert lines[2] == "epoch 2/3: loss 0.500, validation 0.600 (best so far), AUC 0.80, 3 s"
    assert lines[3] == "epoch 3/3: loss 0.333, validation 0.700, AUC 0.80, 3 s"


# The grid


@pytest.mark.parametrize(
    ("architecture", "backbone"),
    [
        ("bench-stl", "inception_v3"),
        ("bench-mtl", "timm:legacy_xception"),
        ("timm:mobilenetv1_100", None),
        ("emt-net", None),
    ],
)
def test_images_are_normalised_as_the_weights_expect_it(architecture: str, backbone: str | None) -> None:
    arguments = {} if backbone is None else {"backbone": backbone}
    found = preprocessing_of(architecture, "default", arguments, size=299)
    assert (found.size, found.mean, found.std) == (299, (0.5,) * 3, (0.5,) * 3)
    grey = preprocessing_of(architecture, "w.pth", arguments, channels=1)
    assert (grey.channels, grey.mean, grey.std) == (1, (0.5,), (0.5,))
    assert preprocessing_of(architecture, "none", arguments) == Preprocessing()
    assert preprocessing_of(architecture, "default", arguments, mean=(0.1, 0.2, 0.3)).mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    "architecture", ["resnet50", "la-net", "small-cnn", "timm:regnetx_002", "timm:nope", "own.code:net"]
)
def test_other_weights_expect_the_mean_and_deviation_of_imagenet(architecture: str) -> None:
    assert preprocessing_of(architecture, "default", {}) == Preprocessing()
    assert preprocessing_of(architecture, "none", {}, channels=1) == Preprocessing(**ONE_CHANNEL)


def test_torchvision_normalises_inception_so_in_its_forward() -> None:
    with torch.device("meta"):
        net = torchvision.models.inception_v3(transform_input=True, init_weights=False)
    images, usual = torch.rand(1, 3, 4, 4), Preprocessing()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (usual.mean, usual.std))
    torch.testing.assert_close(net._transform_input((images - mean) / std), (images - 0.5) / 0.5)
