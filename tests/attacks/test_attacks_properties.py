"""What holds for every attack of the registry, whatever it does."""

import copy
from dataclasses import fields
from typing import Any

import pytest
import torch
from attack_nets import (
    AsModel,
    Counted,
    clean_logits,
    goal,
    linear,
    moves_maps,
    reaches,
    smooth_cnn,
    some_images,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.criteria import LeaveDecision, TrueLabel
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.registry import ATTACKS, attack, attack_class, parameters_of
from xaiaudit.functional import decision
from xaiaudit.tensors import AttackResult

MODEL = AsModel(smooth_cnn())
MODEL32 = copy.deepcopy(MODEL).float()
THREE = AsModel(smooth_cnn(3, seed=3)).float()
FEW = {"steps": 8, "queries": 30, "attacks": ("pgd", "fab")}
EVERY = pytest.mark.parametrize("name", ATTACKS)
FLIPPING = pytest.mark.parametrize("name", [name for name in ATTACKS if not moves_maps(name)])
UNCHECKED = (
    pytest.mark.unchecked
)  # many runs, as others here make with shapes checked, which takes as long again
WIDE = {"map-shift": 0.3}  # one grey level, its default, moves no map of these small networks


def quick(name: str, **more: object) -> Attack:
    """The attack with few steps, where it has steps to choose."""
    known = parameters_of(name)
    few = {key: count for key, count in FEW.items() if key in known}
    wide = {"epsilon": WIDE[name]} if name in WIDE else {}
    return attack(name, **few, **(wide | {key: value for key, value in more.items() if key in known}))


def run(name: str, n: int = 4, seed: int = 0, **options: object) -> tuple[torch.Tensor, AttackResult]:
    x = some_images(n, seed=seed).float()
    return x, quick(name)(MODEL32, x, goal(name, MODEL32, x), **options)


@EVERY
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    epsilon=st.floats(0.001, 1.0),
    padding=st.integers(0, 5),
    to_goal=st.booleans(),
    three=st.booleans(),
)
def test_ball_box_and_padding_hold(name, seed, epsilon, padding, to_goal, three) -> None:
    x = some_images(3, seed=seed).float()
    valid = torch.ones(3, 1, 12, 12, dtype=torch.bool)
    valid[:, :, :, :padding] = False
    valid[0] = True
    before = x.clone()
    model = THREE if three else MODEL32
    method = quick(name, epsilon=epsilon)
    result = method(model, x, goal(name, model, x), valid=valid, to_goal=to_goal)
    assert torch.equal(x, before)
    assert result.images.dtype == torch.float32
    assert result.images.shape == x.shape
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert torch.equal(result.images[~valid], x[~valid])
    delta = (result.images.double() - x.double()).flatten(1)
    length = delta.abs().amax(1) if method.norm == "linf" else delta.norm(dim=1)
    assert torch.allclose(length, result.distance)
    if method.epsilon is not None:
        assert (length <= method.epsilon + 1e-6).all()
    after = clean_logits(model, result.images)
    top = after.topk(2).values
    clear = top[:, 0] - top[:, 1] > 1e-5  # nearer to the boundary, the batch decides
    assert torch.equal(result.reached[clear], reaches(name, model, x, result.images)[clear])
    assert not (result.failed & result.reached).any()


@EVERY
@UNCHECKED
@pytest.mark.parametrize("to_goal", [False, True])
def test_the_batch_does_not_matter(name: str, to_goal: bool) -> None:
    x = some_images(6, seed=5)
    method = quick(name)
    criterion = goal(name, MODEL, x)
    seeds = list(range(6))
    options = {"to_goal": to_goal, "stored": True}
    whole = method(MODEL, x, criterion, seeds=seeds, **options)
    order = [4, 0, 5, 2, 1, 3]
    shuffled = method(
        MODEL,
        x[order],
        goal(name, MODEL, x[order]),
        seeds=[seeds[i] for i in order],
        **options,
    )
    for i in range(6):
        one = x[i : i + 1]
        alone = method(MODEL, one, goal(name, MODEL, one), seeds=[seeds[i]], **options)
        for field in fields(AttackResult):
            if getattr(whole, field.name) is None:
                assert field.name in ("broken_by", "applicable")
                continue
            got = getattr(alone, field.name)[0].double()
            assert torch.allclose(got, getattr(whole, field.name)[i].double(), atol=1e-9), field.name
            place = order.index(i)
            assert torch.allclose(got, getattr(shuffled, field.name)[place].double(), atol=1e-9), field.name


@EVERY
def test_the_same_seeds_give_the_same_images(name: str) -> None:
    _, first = run(name)
    _, second = run(name)
    assert torch.equal(first.images, second.images)
    _, other = run(name, seeds=[9, 8, 7, 6])
    assert torch.equal(first.images, other.images) is not quick(name).random_start
    torch.manual_seed(3)
    state = torch.get_rng_state()
    run(name)
    assert torch.equal(torch.get_rng_state(), state)


@EVERY
def test_stopping_at_the_goal_finds_at_least_as_much(name: str) -> None:
    _, full = run(name, 12, seed=7)
    _, goal = run(name, 12, seed=7, to_goal=True)
    assert (goal.reached | ~full.reached).all()
    assert full.reached.any()
    assert goal.backwards.sum() <= full.backwards.sum()


@EVERY
@pytest.mark.parametrize("to_goal", [False, True])
def test_nothing_is_left_on_the_model(name: str, to_goal: bool) -> None:
    net = smooth_cnn(seed=1).float()
    net[0].weight.requires_grad_(False)
    net[2].register_forward_hook(lambda *_: None)
    model = AsModel(net)
    before = copy.deepcopy(model.state_dict())
    flags = [parameter.requires_grad for parameter in model.parameters()]
    hooks = [
        (len(m._forward_hooks), len(m._backward_hooks), len(m._forward_pre_hooks)) for m in model.modules()
    ]
    x = some_images(3, seed=2).float()
    quick(name)(model, x, goal(name, model, x), to_goal=to_goal)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [parameter.requires_grad for parameter in model.parameters()] == flags
    assert hooks == [
        (len(m._forward_hooks), len(m._backward_hooks), len(m._forward_pre_hooks)) for m in model.modules()
    ]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert x.grad is None
    assert not x.requires_grad
    assert torch.is_grad_enabled()


@EVERY
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_the_caller_may_have_switched_gradients_off(name: str, context) -> None:
    _, expected = run(name)
    with context():
        _, got = run(name)
    assert torch.equal(got.images, expected.images)
    assert not got.images.is_inference()


@EVERY
def test_an_empty_batch_gives_an_empty_result(name: str) -> None:
    x, result = run(name, 0)
    assert result.images.shape == x.shape
    assert len(result.reached) == 0


@EVERY
def test_perturbations_in_colour(name: str) -> None:
    model = AsModel(smooth_cnn(seed=4, channels=3)).float()
    x = some_images(2, seed=2, channels=3).float()
    valid = torch.ones(2, 1, 12, 12, dtype=torch.bool)
    valid[:, :, 6:] = False
    result = quick(name, epsilon=0.5)(model, x, goal(name, model, x), valid=valid)
    assert torch.equal(result.images[:, :, 6:], x[:, :, 6:])
    assert (result.images != x).any()


@EVERY
def test_an_attack_says_what_it_does(name: str) -> None:
    method = attack(name)
    assert isinstance(method, Attack)
    assert method.name == name
    assert method.norm in ("linf", "l2")
    text = method.describe()
    assert "\n" not in text
    assert ("grey levels" in text) or method.epsilon is None
    assert attack_class(name).__doc__.splitlines()[0].endswith(".")
    if method.epsilon is not None:
        assert f"{255 * method.epsilon:.4g} grey level" in text
    if method.step_size is not None:
        assert f"{255 * method.step_size:.4g} grey levels" in text


@EVERY
@UNCHECKED
def test_counts_are_what_the_model_saw(name: str) -> None:
    x = some_images(5, seed=3).float()
    for options in ({}, {"to_goal": True}, {"stored": True}, {"to_goal": True, "stored": True}):
        # an image that leaves asks for no backward, but may go along in that of the others
        for one in x.split(1):
            model = Counted(copy.deepcopy(MODEL32.net))
            criterion = goal(name, MODEL32, one)
            alone = quick(name, restarts=2)(model, one, criterion, **options)
            assert alone.forwards.item() == model.forwards
            # two classes: one backward a look, and two of what weighs a map against the decision; a Grad-CAM map is
            # itself a backward, to its layer
            assert alone.backwards.item() == model.backwards + model.within
        model = Counted(copy.deepcopy(MODEL32.net))
        together = quick(name, restarts=2)(model, x, goal(name, MODEL32, x), **options)
        # nor does it ask for a second look at those that it leaves behind
        assert together.forwards.sum() <= model.forwards <= 1.5 * together.forwards.sum()
        assert together.backwards.sum() <= model.backwards + model.within


@FLIPPING
def test_an_image_without_a_goal_costs_nothing(name: str) -> None:
    x, made = some_images(4, seed=3).float(), quick(name)
    labels = decision(clean_logits(MODEL32, x))
    labels[2] = -1
    radii: dict[str, Any] = {"radii": (0.02, 0.05, 0.2), "to_goal": True}
    for options in ({}, {"to_goal": True, "stored": True}, *([radii] if made.supports_radii else [])):
        model = Counted(copy.deepcopy(MODEL32.net))
        result = made(model, x, TrueLabel(labels), **options)
        assert not result.forwards[..., 2].any()
        assert not result.reached[..., 2].any()
        assert result.forwards.sum() <= model.forwards <= 1.5 * result.forwards.sum()
        model.forwards = 0
        nobody = made(model, x, TrueLabel(torch.full_like(labels, -1)), **options)
        assert not nobody.forwards.any()
        assert model.forwards == 0


@EVERY
@pytest.mark.parametrize("to_goal", [False, True])
def test_what_is_stored_lies_on_the_8_bit_grid_and_is_judged(name: str, to_goal: bool) -> None:
    x, result = run(name, 12, seed=7, to_goal=to_goal, stored=True)
    assert torch.equal(result.stored, quantise(result.stored))
    assert torch.equal(result.survived, reaches(name, MODEL32, x, result.stored))
    _, plain = run(name, 12, seed=7, to_goal=to_goal)
    assert torch.equal(plain.images, result.images)  # looking on does not change what was found
    assert plain.stored is None
    assert plain.survived is None


@FLIPPING
def test_the_judge_decides(name: str) -> None:
    x = some_images(40, seed=5).float()
    x = x[decision(clean_logits(MODEL32, x)) == 0]
    criterion = LeaveDecision(clean_logits(MODEL32, x))
    stubborn = linear(torch.zeros(144, 2), torch.tensor([1.0, 0.0]))  # always says 0
    for to_goal in (False, True):
        result = quick(name)(MODEL32, x, criterion, to_goal=to_goal, judge=stubborn)
        assert not result.reached.any()
    assert quick(name)(MODEL32, x, criterion).reached.any()
