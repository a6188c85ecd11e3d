"""Models that resist: the inner attack and the losses by hand, and runs of all three methods."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy.special import expit, softmax
from scipy.stats import entropy
from torch import Tensor, nn
from training_nets import QUICK, SMALL, write_images

from xaiaudit.cli import main
from xaiaudit.data import Dataset, open_dataset
from xaiaudit.errors import TrainingError, UsageError
from xaiaudit.models import load
from xaiaudit.tensors import Outputs
from xaiaudit.training import Adversarial, Epoch, Recipe, Silent, Trained, resisting, train
from xaiaudit.training.arrays import Batch, arrays
from xaiaudit.training.augment import augment_batch
from xaiaudit.training.devices import make_fabric
from xaiaudit.training.inner import divergence, hardest, leave_clean, leave_label
from xaiaudit.training.minmax import MinMax
from xaiaudit.training.progress import epoch_line
from xaiaudit.training.robustness import Attacked, attacked, misled

METHODS = ("pgd", "trades", "free")
EPSILON = 0.02
WEIGHT = torch.tensor([[1.0, -2.0], [0.5, 0.25]])  # ||w||_1 = 3.75


class Linear(nn.Module):
    """One logit, w . x - 0.3."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(WEIGHT.clone())

    def forward(self, images: Tensor) -> Tensor:
        return (images * self.weight).sum((1, 2, 3))[:, None] - 0.3


def read(net: nn.Module, images: Tensor) -> Outputs:
    z = net(images)
    return Outputs(torch.cat((torch.zeros_like(z), z), 1), one_logit=True)


def middle(n: int) -> Tensor:
    """Images that no step leads out of the box."""
    return 0.3 + 0.4 * torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(1))


def moved(images: Tensor, labels: Tensor, **changed: Any) -> Tensor:
    net = Linear()
    settings: dict[str, Any] = {"epsilon": EPSILON, "steps": 2, "step_size": 1.25 * EPSILON, "valid": None}
    generator = torch.Generator().manual_seed(0)
    return hardest(
        net, lambda x: read(net, x), images, leave_label(labels), generator, **(settings | changed)
    )


# The inner attack


def test_the_inner_attack_of_a_linear_model_ends_in_the_worst_corner() -> None:
    images, labels = middle(4), torch.tensor([0, 1, 0, 1])
    away = (1 - 2 * labels)[:, None, None, None] * WEIGHT.sign()
    assert torch.allclose(moved(images, labels), images + EPSILON * away, atol=1e-7)


def test_padding_and_the_box_stay_as_they_are() -> None:
    images = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])
    valid = torch.tensor([[[[True, True], [False, True]]]])
    found = moved(images, torch.tensor([1]), valid=valid)  # away from 1: down where w > 0, up where w < 0
    assert torch.allclose(found, torch.tensor([[[[0.0, 1.0], [0.5, 0.5 - EPSILON]]]]))
    assert found[0, 0, 1, 0] == 0.5


def test_a_single_step_starts_at_random_and_stays_in_the_ball() -> None:
    images, labels = middle(200), torch.ones(200, dtype=torch.int64)
    shift = -(moved(images, labels, steps=1) - images) * WEIGHT.sign() / EPSILON
    assert shift.max() <= 1 + 1e-4
    assert shift.min() >= 0.25 - 1e-4  # from -1 by 1.25
    assert (shift < 0.99).float().mean() == pytest.approx(0.375, abs=0.06)  # starts below -0.25: 0.75 / 2


def test_the_kl_of_a_linear_model_is_raised_to_one_of_the_two_corners() -> None:
    net, images = Linear(), middle(20)
    with torch.no_grad():
        clean = read(net, images).logits
    found = hardest(
        net, lambda x: read(net, x), images, leave_clean(clean), torch.Generator().manual_seed(0),
        epsilon=EPSILON, steps=6, step_size=EPSILON, valid=None,
    )  # fmt: skip
    corner = (found - images) / EPSILON * WEIGHT.sign()
    assert torch.allclose(corner.abs(), torch.ones(()), atol=1e-4)
    assert torch.allclose(corner.amax((1, 2, 3)), corner.amin((1, 2, 3)), atol=1e-4)
    assert corner.amax() > 0 > corner.amin()  # both occur, from different starts


def test_the_divergence_is_that_of_scipy_and_survives_sure_models() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 2, (2, 5, 3))
    expected = entropy(softmax(a, 1), softmax(b, 1), axis=1)
    assert divergence(torch.tensor(a), torch.tensor(b)).numpy() == pytest.approx(expected, rel=1e-5)
    sure = torch.tensor([[0.0, 300.0]])
    assert divergence(sure, -sure).item() == pytest.approx(300)


def test_the_inner_attack_leaves_no_trace_on_the_network() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Dropout(), nn.Flatten(), nn.Linear(147, 2)
    ).train()
    net[1].eval()  # kept so by the recipe
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net[4].weight.grad = torch.ones_like(net[4].weight)
    images, labels = torch.rand(6, 1, 8, 8), torch.tensor([0, 1, 0, 1, 0, 1])
    seen: list[bool] = []

    def forward(x: Tensor) -> Outputs:
        seen.append(net.training or any(p.requires_grad for p in net.parameters()))
        return Outputs(net(x))

    hardest(net, forward, images, leave_label(labels), torch.Generator(), epsilon=0.1, steps=3,
            step_size=0.05, valid=None)  # fmt: skip
    assert seen == [False] * 3
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net] == [True, False, True, True, True]
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert torch.equal(net[4].weight.grad, torch.ones_like(net[4].weight))
    assert net[0].weight.grad is None


# The loss of a batch


def minmax(**recipe: Any) -> tuple[MinMax, Linear]:
    net = Linear()
    return (
        MinMax(
            net=net, bare=net, read=read, recipe=Recipe(**recipe), class_weights=torch.tensor([1.0, 3.0]),
            generator=torch.Generator().manual_seed(0), fabric=make_fabric("cpu", 1, "float32"),
        ),
        net,
    )  # fmt: skip


def batch(n: int) -> Batch:
    return Batch(middle(n), torch.arange(n) % 2, None, None)


def log_loss(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(np.where(labels == 1, -z, z)))


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.5, 3), (0.75, 4)])
def test_the_loss_on_moved_images_by_hand(share: float, kept: int) -> None:
    losses, net = minmax()
    given = batch(6)
    labels = given.labels.numpy()
    z = net(given.images).detach().numpy()[:, 0]
    z[kept:] += (1 - 2 * labels[kept:]) * EPSILON * 3.75  # each margin falls by epsilon ||w||_1
    weights = np.where(labels == 1, 3.0, 1.0)
    expected = (weights * log_loss(z, labels)).sum() / weights.sum()
    found = losses.moved(given, Adversarial(method="pgd", clean_share=share), EPSILON)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    assert net.weight.grad is not None
    assert losses.plain(given).item() < found.item()


def test_the_loss_of_trades_by_hand() -> None:
    losses, net = minmax()
    given = batch(1)
    z = net(given.images).item()
    clean = np.array([1 - expit(z), expit(z)])
    found = losses.moved(given, Adversarial(method="trades", trades_beta=4.0, steps=6), EPSILON).item()
    corners = [
        math.log1p(math.exp(z)) + 4 * entropy(clean, [1 - expit(z + shift), expit(z + shift)])
        for shift in (EPSILON * 3.75, -EPSILON * 3.75)
    ]
    assert min(abs(found - corner) for corner in corners) < 1e-6


# Hyperparameters


def test_the_radius_is_nothing_then_rises_then_stays() -> None:
    settings = Adversarial(epsilon=0.04, plain_epochs=2, ramp_epochs=3)
    assert [settings.radius(epoch) for epoch in range(1, 8)] == pytest.approx(
        [0, 0, 0.01, 0.02, 0.03, 0.04, 0.04]
    )
    at_once = Adversarial(epsilon=0.04, plain_epochs=0, ramp_epochs=0)
    assert at_once.radius(1) == 0.04


def test_steps_follow_the_method() -> None:
    assert [Adversarial(method=method).inner_steps for method in METHODS] == [2, 2, 1]
    assert Adversarial(method="pgd", steps=10).step_share == 0.25
    assert Adversarial(method="free").step_share == 1.25  # Wong et al. 2020


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"method": "fgsm"}, "pgd, trades or free, got 'fgsm'"),
        ({"epsilon": 1.5}, "one grey level is 1/255"),
        ({"epsilon": math.nan}, "epsilon"),
        ({"steps": 0}, "at least 1"),
        ({"method": "free", "steps": 3}, "single step, got 3; take pgd"),
        ({"trades_beta": 0.0}, "above 0"),
        ({"clean_share": 1.0}, "clean share"),
        ({"plain_epochs": -1}, "cannot be negative"),
    ],
)
def test_settings_out_of_range_say_so(changed: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Adversarial(**changed)


def test_a_recipe_must_leave_epochs_to_attack() -> None:
    with pytest.raises(UsageError, match="3 epochs, of which 3 are plain"):
        resisting(Adversarial(plain_epochs=3), epochs=3)
    assert resisting(Adversarial(), class_weights="none").class_weights == "none"
    assert resisting(Adversarial()).class_weights == "balanced"


def test_padding_moves_with_the_image() -> None:
    images = torch.rand(3, 1, 20, 20)
    valid = torch.zeros(3, 1, 20, 20, dtype=torch.bool)
    valid[:, :, :, 5:] = True
    masks = images > 0.5
    flipped = augment_batch(
        Batch(images, torch.zeros(3), masks, valid), Recipe(flip=1.0, rotation=0, shift=0), torch.Generator()
    )
    assert torch.equal(flipped.valid, valid.flip(3))
    assert torch.equal(flipped.masks, masks.flip(3))
    alone = Batch(torch.ones(50, 1, 40, 6), torch.zeros(50), None, torch.ones(50, 1, 40, 6, dtype=torch.bool))
    shifted = augment_batch(alone, Recipe(flip=0, rotation=0, shift=0.2), torch.Generator().manual_seed(0))
    assert not shifted.valid.all()
    assert shifted.images[~shifted.valid].max() < 0.51  # what came in is padding
    assert shifted.masks is None


# What the epoch is chosen by


LABELS = np.array([0, 0, 0, 0, 1, 1])


def seen(clean: list[float], after: list[float]) -> Attacked:
    def pairs(margins: list[float]) -> np.ndarray:
        return np.stack((np.zeros(len(margins)), margins), 1).astype(np.float32)

    return Attacked(labels=LABELS, clean=pairs(clean), moved=pairs(after), moved_once=pairs(clean))


def test_the_threshold_stands_between_attacked_classes() -> None:
    found = seen([-4, -4, -4, -1, 2, 5], [-3, -3, -3, 0, 1, 4])
    assert found.threshold(1) == pytest.approx(expit(0.5))
    assert found.balanced_accuracy(found.threshold(1)) == 1
    assert found.balanced_accuracy(0.5) == pytest.approx((3 / 4 + 1) / 2)  # a margin of 0 is malignant


def test_robust_balanced_accuracy_needs_both_and_gives_one_class_a_half() -> None:
    found = seen([-1, -1, -1, 1, 1, 1], [-1, -1, 1, -1, 1, -1])
    assert found.balanced_accuracy(0.5) == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert found.balanced_accuracy(0.5, once=True) == pytest.approx((3 / 4 + 1) / 2)
    constant = seen([-1] * 6, [-1] * 6)
    assert constant.balanced_accuracy(0.5) == 0.5
    assert constant.one_class(0.5)
    assert constant.one_class(constant.threshold(1))
    assert not found.one_class(0.5)


EPOCH = Epoch(
    number=4, train_loss=0.5, validation_loss=0.4, validation_auc=0.9, seconds=5, best=True,
    epsilon=1 / 255, robust=0.5, robust_once=0.8, robust_loss=1.0, one_class=False,
)  # fmt: skip


def test_resistance_to_single_steps_alone_is_told() -> None:
    assert EPOCH.masked
    assert "single steps mislead" in epoch_line(EPOCH, 9)
    assert "trained at 1 grey levels, robust balanced accuracy 0.50" in epoch_line(EPOCH, 9)
    assert "catastrophic overfitting" in str(misled([EPOCH, replace(EPOCH, number=5, best=False)]))
    fine = replace(EPOCH, robust=0.6)
    assert misled([fine]) is None
    assert "mislead" not in epoch_line(fine, 9)


# Whole runs


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_images(tmp_path_factory.mktemp("images"), 80))


def recipe(method: str, **changed: Any) -> Recipe:
    settings = Adversarial(method=method, epsilon=12 / 255, plain_epochs=1, ramp_epochs=1)
    return resisting(settings, **{"epochs": 5, "learning_rate": 3e-3, "batch_size": 8, **changed})


@pytest.fixture(scope="module", params=METHODS)
def trained(
    request: pytest.FixtureRequest, images: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    out = tmp_path_factory.mktemp(request.param) / "model.pt"
    return train("small-cnn", images, out, preprocessing=SMALL, recipe=recipe(request.param))


def test_a_run_learns_and_tells_how_robust_each_epoch_is(trained: Trained) -> None:
    assert trained.test.auc.estimate > 0.9
    radii = [epoch.epsilon for epoch in trained.history]
    assert radii[0] is None
    assert radii[1:] == pytest.approx([6 / 255, 12 / 255, 12 / 255, 12 / 255])
    assert trained.history[0].robust is None
    assert all(0 <= epoch.robust <= 1 for epoch in trained.history[1:])
    assert "robust balanced accuracy" in epoch_line(trained.history[-1], 5)
    assert trained.warnings == []


def test_the_epoch_kept_is_the_most_robust_one(trained: Trained, images: Dataset) -> None:
    kept = [epoch for epoch in trained.history if epoch.best][-1]
    assert kept.robust == max(epoch.robust for epoch in trained.history[1:])
    found = measured(trained, images, trained.split.validation)
    assert found.balanced_accuracy(trained.model.threshold) == pytest.approx(kept.robust)
    assert load(trained.path).threshold == trained.model.threshold == found.threshold(1)


def test_it_resists_better_than_a_plain_model(trained: Trained, images: Dataset, plain: Trained) -> None:
    robust, fragile = (
        measured(run, images, trained.split.test).balanced_accuracy(run.model.threshold)
        for run in (trained, plain)
    )
    assert trained.split.test == plain.split.test
    assert robust > fragile + 0.1


@pytest.fixture(scope="module")
def plain(images: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("plain") / "model.pt"
    return train("small-cnn", images, out, preprocessing=SMALL, recipe=QUICK)


def measured(run: Trained, images: Dataset, rows: tuple[int, ...]) -> Attacked:
    from xaiaudit.data import prepare

    samples = [prepare(images[row], SMALL) for row in rows]
    part = arrays(samples, run.model.classes, masks=False, valid=True)
    settings = Adversarial(epsilon=12 / 255)
    return attacked(load(run.path), part, settings, 8, torch.device("cpu"))


def test_the_checkpoint_says_how_it_was_trained(trained: Trained) -> None:
    said = load(trained.path).info.training
    method = said["recipe"]["adversarial"]["method"]
    assert method in METHODS
    assert said["recipe"]["adversarial"] == asdict(recipe(method).adversarial)
    assert said["history"][-1]["robust"] == trained.history[-1].robust
    assert said["recipe"]["class_weights"] == "balanced"


class Interrupted(Silent):
    """Stops after an epoch, as a kill would."""

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        if epoch.number == 3:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_ends_with_the_same_weights(
    trained: Trained, images: Dataset, tmp_path: Path
) -> None:
    method = load(trained.path).info.training["recipe"]["adversarial"]["method"]
    out = tmp_path / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        train("small-cnn", images, out, preprocessing=SMALL, recipe=recipe(method), progress=Interrupted())
    with pytest.raises(UsageError, match="--restart"):
        train("small-cnn", images, out, preprocessing=SMALL, recipe=recipe(method, epochs=6))
    again = train("small-cnn", images, out, preprocessing=SMALL, recipe=recipe(method))
    left, right = (run.model.net.state_dict() for run in (trained, again))
    assert all(torch.equal(left[key], right[key]) for key in left)
    assert again.model.threshold == trained.model.threshold


@pytest.mark.parametrize("method", METHODS)
def test_bf16_trains_to_resist_too(method: str, images: Dataset, tmp_path: Path) -> None:
    found = train(
        "small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe(method), precision="bf16"
    )
    assert found.test.auc.estimate > 0.8


@pytest.mark.parametrize("method", ["pgd", "trades"])
def test_a_multi_task_network_resists_too(method: str, images: Dataset, tmp_path: Path) -> None:
    found = train(
        "thesis-mtl", images, tmp_path / "m.pt", arguments={"backbone": "small-cnn"}, preprocessing=SMALL,
        recipe=recipe(method, alpha=1.0, epochs=3),
    )  # fmt: skip
    assert found.test.dice.estimate > 0.2
    assert found.history[-1].robust is not None


def test_patience_begins_at_the_full_radius(images: Dataset, tmp_path: Path) -> None:
    lines, patient = Told(), recipe("free", epochs=9, patience=2)
    out = tmp_path / "m.pt"
    with pytest.raises(TrainingError):
        train("training_nets:Stubborn", images, out, preprocessing=SMALL, recipe=patient, progress=lines)
    assert lines.epochs == [1, 2, 3, 4]  # one plain, one of the ramp, two in vain at the full radius


class Told(Silent):
    def __init__(self) -> None:
        self.epochs: list[int] = []

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        self.epochs.append(epoch.number)


# One class


def test_a_run_that_ends_in_one_class_has_failed(tmp_path: Path) -> None:
    manifest = write_images(tmp_path / "images", 40)
    words = ["train", "--arch", "training_nets:Stubborn", "--data", manifest, "--size", "32", "--channels", "1",
             "--epochs", "2", "--plain-epochs", "1", "--adversarial", "free", "--out", tmp_path / "m.pt"]  # fmt: skip
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 2
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: adversarial training FAILED: the best epoch decides")
    assert "no checkpoint was written" in line
    assert [file.name for file in tmp_path.iterdir()] == ["images"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--epsilon", "1/255"], "--epsilon is of adversarial training; add --adversarial"),
        (["--adversarial-steps", "3"], "--adversarial-steps is of adversarial training"),
        (
            ["--adversarial", "pgd", "--epsilon", "one"],
            "--epsilon takes a radius such as 1/255 or 0.004, got 'one'",
        ),
        (["--adversarial", "pgd", "--epsilon", "8"], "got 8"),
        (["--adversarial", "pgd", "--epochs", "2"], "2 epochs, of which 2 are plain"),
    ],
)
def test_options_that_do_not_fit_are_named(words: list[str], told: str, tmp_path: Path) -> None:
    manifest = str(write_images(tmp_path / "images", 8))
    common = ["train", "--arch", "small-cnn", "--data", manifest, "--out", str(tmp_path / "m.pt")]
    result = CliRunner().invoke(main, [*common, *words])
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_help_states_the_defaults_of_adversarial_training() -> None:
    import re
    from dataclasses import fields

    options = {option.name: option.help or "" for option in main.commands["train"].params}
    for field in fields(Adversarial):
        if field.name not in ("method", "steps"):
            stated = re.search(r"\[default: (.*?)\]", options[field.name]).group(1)
            above, _, below = stated.partition("/")
            assert float(above) / float(below or 1) == field.default, field.name
    assert "[default: 2; free: 1]" in options["steps"]
    assert "With --adversarial: 10." in options["epochs"]
    assert "With --adversarial: balanced." in options["class_weights"]
    assert resisting(Adversarial()).epochs == 10
