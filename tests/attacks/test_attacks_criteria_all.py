"""What holds for every criterion of the registry, and attacks with each of them."""

from dataclasses import replace

import pytest
import torch
from attack_nets import clean_logits, smooth_cnn, some_images
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import grad

from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.criteria import CleanFacts, LeaveDecision, TrueLabel, build
from xaiaudit.attacks.criteria.named import NamedCriterion
from xaiaudit.attacks.criteria.registry import CRITERIA
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.pgd import PGD
from xaiaudit.functional import decision
from xaiaudit.tensors import Boxes, Outputs

D = torch.float64
EVERY = pytest.mark.parametrize("name", CRITERIA)
K = st.sampled_from([2, 3, 5])
GIVEN = {"target-class": {"class": "1"}}
LEFT, RIGHT = (
    (0.0, 0.0, 6.0, 12.0),
    (6.0, 0.0, 12.0, 12.0),
)  # halves of an image; every lesion is the left one
PLACES, CLASSES = torch.tensor([LEFT, RIGHT, LEFT], dtype=D), torch.tensor([0, 1, 1])


def some_boxes(odds: Tensor) -> tuple[Boxes, ...]:
    """Of log-odds (n, 2 or 3): one box a half, and a second on the left one."""
    count = odds.shape[1]
    return tuple(Boxes(PLACES[:count].to(own), own.sigmoid(), CLASSES[:count], own) for own in odds)


def log_odds(out: Outputs) -> Tensor:
    """(n, b)"""
    return torch.stack([own.margin for own in out.boxes])


def some_outputs(n: int, k: int, seed: int, scale: float = 3.0) -> Outputs:
    generator = torch.Generator().manual_seed(seed)
    logits, masks, odds = (
        scale * torch.randn(shape, generator=generator, dtype=D) for shape in ((n, k), (n, 1, 5, 4), (n, 3))
    )
    return Outputs(logits, masks, boxes=some_boxes(odds))


def facts(clean: Outputs, threshold: float = 0.5) -> CleanFacts:
    n, k = clean.logits.shape
    return CleanFacts(
        logits=clean.logits.detach(),
        threshold=threshold,
        classes=tuple(str(i) for i in range(k)),
        labels=torch.arange(n) % (k + 1) - 1,
        mask_logits=clean.mask_logits.detach(),
        boxes=some_boxes(log_odds(clean).detach()),
        lesions=(torch.tensor([LEFT]),) * n,
        normal=torch.ones(n, dtype=torch.bool),
    )


def made(name: str, clean: Outputs, threshold: float = 0.5) -> NamedCriterion:
    return build(name, GIVEN.get(name, {}), facts(clean, threshold))


def of_rows(out: Outputs, rows: Tensor) -> Outputs:
    return Outputs(out.logits[rows], out.mask_logits[rows], boxes=tuple(out.boxes[row] for row in rows))


def applies(criterion: Criterion, n: int) -> Tensor:
    return torch.ones(n, dtype=torch.bool) if criterion.applicable is None else criterion.applicable


@EVERY
@settings(max_examples=40, deadline=None)
@given(k=K, seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.2, 0.9]))
def test_margins_are_positive_exactly_while_the_goal_stands(name, k, seed, threshold) -> None:
    """Where several boundaries are there to cross (j > 1), crossing one is enough."""
    clean, now, rows = some_outputs(30, k, seed), some_outputs(30, k, seed + 1), torch.arange(30)
    criterion = made(name, clean, threshold)
    margins = criterion.margins(now, rows)
    there = applies(criterion, 30)
    assert margins.shape[0] == 30
    assert torch.equal(criterion.reached(now, rows)[there], (margins.amin(1) < 0)[there])
    assert not criterion.reached(now, rows)[~there].any()
    assert isinstance(criterion, Criterion)
    assert isinstance(criterion, NamedCriterion)


@EVERY
@settings(max_examples=20, deadline=None)
@given(k=K, seed=st.integers(0, 10_000))
def test_order_and_choice_of_the_images_do_not_matter(name, k, seed) -> None:
    clean, now = some_outputs(12, k, seed), some_outputs(12, k, seed + 1)
    rows = torch.randperm(12, generator=torch.Generator().manual_seed(seed))[:5]
    criterion = made(name, clean)
    everything = torch.arange(12)
    for ask in (criterion.loss, criterion.margins, criterion.reached):
        assert torch.allclose(
            ask(of_rows(now, rows), rows).double(), ask(now, everything)[rows].double(), rtol=1e-12
        )
    alone = made(name, of_rows(clean, rows)) if name != "true-label" else criterion  # labels go by place
    local = torch.arange(5) if name != "true-label" else rows
    assert torch.allclose(
        alone.loss(of_rows(now, rows), local), criterion.loss(now, everything)[rows], rtol=1e-12
    )


@EVERY
def test_images_do_not_mix(name: str) -> None:
    clean, now = some_outputs(6, 3, 0), some_outputs(6, 3, 1)
    odds = log_odds(now).requires_grad_()
    for tensor in (now.logits, now.mask_logits):
        tensor.requires_grad_()
    now = replace(now, boxes=some_boxes(odds))
    criterion = made(name, clean)
    for value in (criterion.loss(now, torch.arange(6)), criterion.margins(now, torch.arange(6)).sum(1)):
        slopes = grad(
            value[2],
            (now.logits, now.mask_logits, odds),
            retain_graph=True,
            materialize_grads=True,
            allow_unused=True,
        )
        assert all(not part[torch.arange(6) != 2].any() for part in slopes)
        assert any(part[2].any() for part in slopes)


@EVERY
@pytest.mark.parametrize("size", [1e-4, 40.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_live_whatever_the_size_of_the_logits(name: str, size: float, dtype: torch.dtype) -> None:
    clean = some_outputs(20, 3, 0, size)
    logits = clean.logits.to(dtype).requires_grad_()
    mask = clean.mask_logits.to(dtype).requires_grad_()
    odds = log_odds(clean).to(dtype).requires_grad_()
    now, rows = Outputs(logits, mask, boxes=some_boxes(odds)), torch.arange(20)
    criterion = made(name, now)
    values = torch.cat((criterion.loss(now, rows)[:, None], criterion.margins(now, rows)), 1)
    for value in values.sum(0):
        parts = grad(
            value, (logits, mask, odds), retain_graph=True, materialize_grads=True, allow_unused=True
        )
        whole = torch.cat([part.flatten(1) for part in parts], 1)
        assert bool(whole.isfinite().all())
        assert bool((whole.abs().amax(1) > 0).all())


class ThreeHeads(nn.Module):
    """Class logits, mask logits and boxes of one smooth network; the clean masks cover a part of every image.

    A box in either half is as likely as a filter's mean there: clean, both count, or, where `quiet`, neither.
    """

    def __init__(self, classes: int, sharpness: float = 1.0, *, quiet: bool = False) -> None:
        super().__init__()
        self.head = smooth_cnn(classes, seed=classes)
        torch.manual_seed(1)
        self.mask = nn.Conv2d(1, 1, 5, padding=2).double()
        self.box = nn.Conv2d(1, 1, 5, padding=2).double()
        self.sharpness = sharpness
        with torch.no_grad():
            self.head[-1].bias -= self.head(some_images(8, seed=5)).mean(0)
            self.mask.bias -= self.mask(some_images(8, seed=5)).median()
            self.box.weight.abs_()
            odds = self.odds(some_images(8, seed=5))
            self.box.bias -= odds.max() + 0.1 if quiet else odds.min() - 0.1
        self.eval()

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        mask = self.sharpness * self.mask(images)
        return Outputs(self.head(images), mask, boxes=some_boxes(self.sharpness * self.odds(images)))

    def odds(self, images: Tensor) -> Tensor:
        return torch.stack([half.mean((1, 2, 3)) for half in self.box(images).chunk(2, 3)], 1)


@EVERY
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "attack", [IterativeFGSM(epsilon=0.4, steps=20), PGD(epsilon=0.4, steps=20), DeepFool()]
)
def test_attacks_reach_every_goal(name: str, classes: int, attack) -> None:
    model, x = ThreeHeads(classes, quiet=name == "invent"), some_images(8, seed=5)
    with torch.no_grad():
        clean = model(x)
    criterion = made(name, clean)
    there, rows = applies(criterion, 8), torch.arange(8)
    result = attack(model, x, criterion)
    with torch.no_grad():
        after = model(result.images)
    assert torch.equal(result.reached & there, criterion.reached(after, rows))
    assert there.sum() >= 5
    assert result.reached[there].float().mean() >= 0.7
    assert torch.equal(result.images[~there], x[~there])
    before = criterion.reached(clean, rows)
    assert torch.equal(before[there] & ~result.reached[there], torch.zeros_like(before[there]))


@EVERY
def test_a_sure_mask_or_box_is_attacked_as_an_unsure_one(name: str) -> None:
    """With mask logits and log-odds a thousand times as large, the sigmoids are 0 or 1; the images are the same."""
    x, attack = some_images(6, seed=5), IterativeFGSM(epsilon=0.05, steps=5)
    found = []
    for sharpness in (1.0, 1024.0):  # a power of two: not one bit of the others changes
        model = ThreeHeads(2, sharpness, quiet=name == "invent")
        with torch.no_grad():
            criterion = made(name, model(x))
        found.append(attack(model, x, criterion).images)
    assert torch.allclose(found[0], found[1], atol=1e-9)
    assert (found[0] != x).any()


@EVERY
def test_one_logit_gives_the_images_of_two(name: str) -> None:
    """z read as [0, z] against the two logits [-z/2, z/2], at a threshold of their own."""
    x = some_images(6, seed=5)
    two = ThreeHeads(2, quiet=name == "invent")

    class OneLogit(ThreeHeads):
        def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
            out = super().forward(images)
            z = out.logits[:, 1:] - out.logits[:, :1]
            return replace(out, logits=torch.cat((torch.zeros_like(z), z), 1), one_logit=True)

    found = []
    for model in (two, OneLogit(2, quiet=name == "invent")):
        with torch.no_grad():
            criterion = made(name, model(x), 0.4)
        found.append(IterativeFGSM(epsilon=0.05, steps=5)(model, x, criterion))
    assert torch.allclose(found[0].images, found[1].images, atol=1e-9)
    assert torch.equal(found[0].reached, found[1].reached)


def test_the_true_label_of_a_right_image_is_its_decision() -> None:
    """Robust accuracy and label flips are one goal where the model is right: ART's and Foolbox's `y`."""
    model, x = ThreeHeads(3), some_images(8, seed=5)
    logits = clean_logits(model, x)
    ours = decision(logits)
    attack = IterativeFGSM(epsilon=0.1, steps=8)
    left = attack(model, x, LeaveDecision(logits))
    wrong = attack(model, x, TrueLabel(ours))
    assert torch.equal(left.images, wrong.images)
    assert torch.equal(left.reached, wrong.reached)


def test_an_image_that_is_wrong_when_clean_has_reached_the_true_label() -> None:
    model, x = ThreeHeads(2), some_images(4, seed=5)
    truth = decision(clean_logits(model, x))
    labels = torch.stack((1 - truth[0], truth[1], torch.tensor(-1), truth[3]))
    criterion = TrueLabel(labels)
    assert criterion.applicable.tolist() == [True, True, False, True]
    with torch.no_grad():
        assert criterion.reached(model(x), torch.arange(4)).tolist() == [True, False, False, False]
    result = DeepFool()(model, x, criterion)
    assert result.distance[0].item() == 0
    assert bool(result.reached[0])
    assert not bool(result.reached[2])
    assert torch.equal(result.images[2], x[2])


def test_the_other_head_is_measured_by_whoever_has_it() -> None:
    """Cross-task: attack one head, look at the other. Neither the attack nor the criterion asks for both."""
    model, x = ThreeHeads(2), some_images(8, seed=5)
    with torch.no_grad():
        clean = model(x)
    result = IterativeFGSM(epsilon=0.4, steps=20)(model, x, made("leave-decision", clean))
    with torch.no_grad():
        after = model(result.images)
    other = made("lower-dice", clean)
    assert result.reached.any()
    assert other.reached(after, torch.arange(8)).shape == (8,)
    assert (after.mask_logits != clean.mask_logits).any()
