"""Attacks of ART through our criteria, masks and books."""

import copy
import json
import random
import re
import subprocess
import sys
import warnings
from dataclasses import fields
from math import log

import numpy as np
import pytest
import torch
from attack_nets import AsModel, Counted, Linear, clean_logits, smooth_cnn, some_images
from test_attacks_oracles import art_in_float64
from torch import nn

from xaiaudit.attacks.art import ArtAttack
from xaiaudit.attacks.art_classes import REFUSED, _evasion_classes
from xaiaudit.attacks.art_parameters import whole as whole_parameters
from xaiaudit.attacks.art_quiet import quiet_and_seeded
from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.criteria import LeaveDecision, TargetClass, TrueLabel
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.registry import ATTACKS, attack, attack_class, parameters_of, settings
from xaiaudit.attacks.spec import parse
from xaiaudit.errors import AttackError, InstallationError, UsageError
from xaiaudit.functional import decision
from xaiaudit.tensors import AttackResult, Outputs
from xaiaudit.types import plain

# Some classes of each kind: white box and black box, in a ball and of the smallest norm, drawing and not.
SAMPLE = {
    "AutoProjectedGradientDescent": "eps=0.2,max_iter=5,nb_random_init=2",
    "BasicIterativeMethod": "eps=0.2,max_iter=5",
    "BoundaryAttack": "max_iter=10",
    "CarliniL2Method": "max_iter=10,binary_search_steps=1,initial_const=10,learning_rate=0.1,max_doubling=1",
    "CarliniLInfMethod": "max_iter=10,initial_const=10,learning_rate=0.1,decrease_factor=0.5",
    "DeepFool": "epsilon=0.02",
    "ElasticNet": "max_iter=10,binary_search_steps=1,initial_const=10,learning_rate=0.1",
    "FastGradientMethod": "eps=2,norm=2",
    "HopSkipJump": "max_iter=3,max_eval=50,init_eval=10",
    "MomentumIterativeMethod": "eps=30,norm=1,max_iter=5",
    "NewtonFool": "max_iter=10",
    "PixelAttack": "th=40,max_iter=5",
    "ProjectedGradientDescent": "eps=0.2,max_iter=5,num_random_init=2",
    "SaliencyMapMethod": "",
    "ShadowAttack": "nb_steps=5,batch_size=8",
    "SignOPTAttack": "max_iter=3,num_trial=5,query_limit=300",
    "SimBA": "max_iter=30,attack=px",
    "SpatialTransformation": "max_translation=60,num_translations=4,max_rotation=90,num_rotations=3",
    "SquareAttack": "eps=0.2,max_iter=20",
    "ThresholdAttack": "th=120,es=1,max_iter=3",
    "UniversalPerturbation": "eps=0.5",
    "VirtualAdversarialMethod": "eps=2,max_iter=1",
    "Wasserstein": "max_iter=3,conjugate_sinkhorn_max_iter=5,projected_sinkhorn_max_iter=5",
    "ZooAttack": "max_iter=10,use_resize=false,use_importance=false,initial_const=10,learning_rate=0.5",
}
EACH = pytest.mark.parametrize("name", SAMPLE)
DRAWING = {"BoundaryAttack", "AutoProjectedGradientDescent", "ShadowAttack", "SquareAttack"}


def sampled(name: str) -> Attack:
    text = SAMPLE[name]
    found, parameters = parse(f"art:{name}:{text}" if text else f"art:{name}")
    return attack(found, **parameters)


def net_for(images: torch.Tensor, classes: int = 2) -> nn.Module:
    """A network whose decision on noise differs from that on some of the images."""
    net = smooth_cnn(classes).float()
    with torch.no_grad():
        net[-1].bias -= net(images.float()).mean(0)
    return net


X = some_images(4, seed=5).float()
NET = net_for(X)
MODEL = AsModel(NET)
SEEDS = [3, 2**62 + 1, 5, 6]
VALID = torch.ones(4, 1, 12, 12, dtype=torch.bool)
VALID[0, :, :, :3] = False


def run(name: str, rows: list[int], *, threshold: float = 0.5, **options: object) -> AttackResult:
    x = X[rows]
    criterion = LeaveDecision(clean_logits(MODEL, x), threshold)
    return sampled(name)(MODEL, x, criterion, valid=VALID[rows], seeds=[SEEDS[i] for i in rows], **options)


@pytest.fixture(scope="module")
def whole() -> dict[str, AttackResult]:
    """All four images at once, once."""
    return {name: run(name, [0, 1, 2, 3], threshold=0.45) for name in SAMPLE}


@EACH
def test_ball_box_padding_and_books_hold(name: str, whole: dict[str, AttackResult]) -> None:
    made, result = sampled(name), whole[name]
    assert result.images.dtype == torch.float32
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert torch.equal(torch.where(VALID, X, result.images), X)
    delta = (result.images.double() - X.double()).flatten(1)
    length = delta.abs().amax(1) if made.norm == "linf" else delta.norm(dim=1)
    assert torch.allclose(length, result.distance)
    if made.epsilon is not None:
        assert (length <= made.epsilon + 1e-6).all()
    if getattr(made, "parameters", {}).get("norm") == 1:
        assert (delta.abs().sum(1) <= made.parameters["eps"] + 1e-4).all()
    before, after = (decision(clean_logits(MODEL, images), 0.45) for images in (X, result.images))
    assert torch.equal(result.reached, after != before)
    assert not (result.failed & result.reached).any()
    assert (result.forwards >= 2).all()  # at least one of the search and the one that judges


@EACH
def test_the_batch_does_not_matter_and_seeds_do(name: str, whole: dict[str, AttackResult]) -> None:
    rows = [2, 0]
    fewer = run(name, rows, threshold=0.45)
    for field in fields(AttackResult):
        if getattr(fewer, field.name) is not None:
            assert torch.equal(getattr(fewer, field.name), getattr(whole[name], field.name)[rows]), field.name


@EACH
def test_each_kind_finds_something(name: str, whole: dict[str, AttackResult]) -> None:
    """Not all of these attacks succeed with so few steps; all of them moved an image, or say that they failed."""
    moved = (whole[name].images != X).flatten(1).any(1)
    assert (moved | whole[name].failed).any()


@pytest.mark.parametrize("name", sorted(DRAWING))
def test_other_seeds_draw_other_numbers(name: str) -> None:
    assert sampled(name).random_start
    x = X[:1]
    criterion = LeaveDecision(clean_logits(MODEL, x))
    first, second = (sampled(name)(MODEL, x, criterion, seeds=[seed]) for seed in (1, 2))
    assert first.failed.item() or not torch.equal(first.images, second.images)


def test_the_world_is_left_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    model = AsModel(copy.deepcopy(NET))
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(1)
    before = _state_of_numpy(), torch.get_rng_state()
    numpy_names = np.random.RandomState, np.random.seed
    x = X[:1].clone()
    with torch.inference_mode():
        criterion = LeaveDecision(model(x).logits)
        for name in ("HopSkipJump", "ShadowAttack", "SquareAttack", "BasicIterativeMethod"):
            sampled(name)(model, x, criterion)
    assert _state_of_numpy() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (np.random.RandomState, np.random.seed) == numpy_names
    assert torch.equal(x, X[:1])
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert not model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.is_grad_enabled()
    assert capfd.readouterr() == ("", "")  # no progress bars, no prints


def test_the_room_is_seeded_silent_and_put_back(capfd: pytest.CaptureFixture[str]) -> None:
    before, drawn = random.getstate(), []

    def work() -> None:
        sys.stdout.write("talk")
        sys.stderr.write("more")
        warnings.warn("beware", stacklevel=1)
        np.random.seed()  # noqa: NPY002  # as CMA-ES does
        own = np.random.RandomState().uniform()  # as HopSkipJump does
        drawn.append((own, np.random.uniform(), random.random(), torch.rand(1).item()))  # noqa: NPY002
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError), quiet_and_seeded(2**62 + 7):
            work()
        assert random.getstate() == before
    assert drawn[0] == drawn[1]
    assert capfd.readouterr() == ("", "")


def _state_of_numpy() -> list[int]:
    return np.random.get_state()[1].tolist()  # noqa: NPY002  # what ART draws from


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("targeted", [False, True])
def test_bim_equals_our_fgsm(classes: int, targeted: bool) -> None:
    x = some_images(6, seed=11)
    model = AsModel(net_for(x, classes).double())
    logits = clean_logits(model, x)
    criterion = LeaveDecision(logits)
    if targeted:
        criterion = TargetClass((criterion.decision + 1) % classes)
    theirs = attack("art:BasicIterativeMethod", eps=0.1, eps_step=0.01, max_iter=10)
    with art_in_float64():
        got = theirs(model, x, criterion)
        rounded = theirs(copy.deepcopy(model).float(), x.float(), criterion)
    ours = IterativeFGSM(epsilon=0.1, steps=10, alpha=0.01)(model, x, criterion)
    assert (got.images - ours.images).abs().max() <= 1e-5
    assert torch.equal(got.reached, ours.reached)
    assert (rounded.distance - ours.distance).abs().max() <= 1e-5
    assert torch.equal(rounded.reached, ours.reached)
    assert got.backwards.tolist() == [10] * 6


def test_deepfool_of_art_is_as_long_as_ours() -> None:
    criterion = LeaveDecision(clean_logits(MODEL, X))
    theirs = attack("art:DeepFool", epsilon=0.02)(MODEL, X, criterion)
    ours = attack("deepfool")(MODEL, X, criterion)
    assert theirs.reached.all()
    assert torch.allclose(theirs.distance, ours.distance, rtol=0.03)


def test_the_threshold_moves_the_boundary_that_art_sees() -> None:
    """A linear model: DeepFool's first step leads onto the boundary at the operating threshold."""
    weight = torch.zeros(16, 2)
    weight[:, 1] = torch.linspace(1, 2, 16)
    model = AsModel(Linear(weight, torch.tensor([0.0, -9.0])))
    x = torch.full((1, 1, 4, 4), 0.5)  # margin 3
    for threshold in (0.5, 0.7):
        result = attack("art:DeepFool")(model, x, LeaveDecision(clean_logits(model, x), threshold))
        margin = 3 - log(threshold / (1 - threshold))
        assert result.reached.item() is True
        assert result.distance.item() == pytest.approx(margin / weight[:, 1].norm().item(), rel=1e-3)


@pytest.mark.parametrize("name", ["DeepFool", "SquareAttack", "CarliniL2Method", "SimBA"])
def test_one_logit_models_are_two_logits(name: str) -> None:
    single = copy.deepcopy(NET)
    last = single[-1]
    single[-1] = nn.Linear(72, 1)
    with torch.no_grad():
        single[-1].weight.copy_(last.weight[1:] - last.weight[:1])
        single[-1].bias.copy_(last.bias[1:] - last.bias[:1])
    one = AsModel(single)
    results = [
        sampled(name)(model, X[:2], LeaveDecision(clean_logits(model, X[:2]), 0.4), seeds=[1, 2])
        for model in (MODEL, one)
    ]
    assert torch.equal(results[0].reached, results[1].reached)
    assert torch.allclose(results[0].distance, results[1].distance, atol=1e-3)


@pytest.mark.parametrize(
    "name", ["BasicIterativeMethod", "CarliniL2Method", "SaliencyMapMethod", "HopSkipJump"]
)
def test_a_target_class_of_four_is_reached(name: str) -> None:
    x = some_images(4, seed=5).float()
    model = AsModel(net_for(x, 4))
    target = (decision(clean_logits(model, x)) + 1) % 4
    target[3] = (target[3] - 1) % 4  # is there already
    result = sampled(name)(model, x, TargetClass(target))
    assert torch.equal(result.reached, decision(clean_logits(model, result.images)) == target)
    assert torch.equal(result.images[3], x[3])
    assert result.forwards[3] == 1  # to see that it is there
    assert name == "HopSkipJump" or result.reached[:3].any()  # which may find no start among noise


def test_attacks_without_targets_reach_one_of_two_classes_but_not_of_four() -> None:
    target = 1 - decision(clean_logits(MODEL, X))
    assert attack("art:DeepFool", epsilon=0.02)(MODEL, X, TargetClass(target)).reached.all()
    model = AsModel(net_for(X, 4))
    with pytest.raises(UsageError, match="DeepFool cannot go to a target class of 4"):
        attack("art:DeepFool")(model, X, TargetClass(target))


def test_a_criterion_of_more_than_the_decision_is_refused() -> None:
    class Darker(LeaveDecision):
        name = "darker"

    with pytest.raises(UsageError, match="know classes only, so art:DeepFool cannot be after darker"):
        attack("art:DeepFool")(MODEL, X, Darker(clean_logits(MODEL, X)))


def test_success_is_ours_to_judge() -> None:
    """The judge decides otherwise than the model that was searched."""
    shifted = AsModel(copy.deepcopy(NET))
    with torch.no_grad():
        shifted.net[-1].bias[1] += 100
    criterion = LeaveDecision(clean_logits(shifted, X))
    result = attack("art:DeepFool")(MODEL, X, criterion, judge=shifted)
    assert not result.reached.any()


@pytest.mark.parametrize("name", ["DeepFool", "FastGradientMethod", "SquareAttack"])
def test_passes_are_what_the_models_saw(name: str) -> None:
    labels = decision(clean_logits(MODEL, X))
    labels[1], labels[2] = 1 - labels[1], -1  # there already; without a goal
    made = sampled(name)
    options = [{}, {"stored": True}]
    if made.supports_radii:
        options.append({"stored": True, "radii": (0.3, 0.01), "to_goal": True})
        options.append({"stored": True, "radii": (0.3, 0.01)})
    for some in options:
        search, judge = Counted(copy.deepcopy(NET)), Counted(copy.deepcopy(NET))
        result = made(search, X, TrueLabel(labels), judge=judge, **some)
        assert result.forwards.sum() == search.forwards + judge.forwards
        kinds, runs = 1 + ("stored" in some), len(some.get("radii", (None,)))
        assert judge.forwards <= kinds * (len(X) + 2 * runs)  # all that is clean, and what two images become
        assert (result.forwards[..., 1:3] <= 2).all()  # of the clean image, and of it rounded


def test_stored_images_are_on_the_grid() -> None:
    result = run("DeepFool", [0, 1], stored=True)
    assert torch.equal(result.stored, (result.images * 255).round() / 255)
    after = decision(clean_logits(MODEL, result.stored))
    assert torch.equal(result.survived, after != decision(clean_logits(MODEL, X[:2])))


def test_a_flip_by_rounding_alone_is_not_the_attacks() -> None:
    """Half way between two grey levels, 0.5 rounds up and over the boundary at 0.501; the search leads down."""
    weight = torch.zeros(16, 2)
    weight[:, 1] = 1
    judge, search = (AsModel(Linear(s * weight, torch.tensor([0.0, -s * 16 * 0.501]))) for s in (1, -1))
    x = torch.full((1, 1, 4, 4), 0.5)
    criterion = LeaveDecision(clean_logits(judge, x))
    result = attack("art:FastGradientMethod", eps=0.004)(search, x, criterion, stored=True, judge=judge)
    assert (result.images < x).all()
    assert not result.reached.item()
    assert not result.survived.item()


def test_radii_go_on_only_with_what_was_not_reached() -> None:
    made = attack("art:BasicIterativeMethod", max_iter=5)
    criterion = LeaveDecision(clean_logits(MODEL, X))
    radii = (0.3, 0.001, 0.1)
    goal = made(MODEL, X, criterion, radii=radii, to_goal=True, stored=True)
    full = made(MODEL, X, criterion, radii=radii)
    assert goal.images.shape == (3, *X.shape)
    assert full.backwards.tolist() == [[5] * 4] * 3
    assert torch.equal(full.backwards[goal.backwards > 0], goal.backwards[goal.backwards > 0])
    assert goal.reached[0].all()
    assert (goal.reached[2] <= goal.reached[0]).all()
    assert (goal.survived[2] <= goal.survived[0]).all()
    done = goal.reached[2] & goal.survived[2]
    assert done.any()
    assert torch.equal(goal.images[0][done], goal.images[2][done])
    assert goal.backwards[0][done].sum() == 0
    for place, radius in enumerate(radii):
        assert (goal.distance[place] <= radius + 1e-6).all()
    assert sampled("DeepFool").supports_radii is False
    with pytest.raises(UsageError, match="art:DeepFool has no radius to choose"):
        sampled("DeepFool")(MODEL, X, criterion, radii=radii)


def test_failures_are_counted_and_breakdowns_told() -> None:
    def dead(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        return Outputs(torch.stack((images.mean((1, 2, 3)) * 0, images.mean((1, 2, 3)) * 0 + 1), 1))

    criterion = LeaveDecision(dead(X).logits)
    zero = attack("art:BasicIterativeMethod", max_iter=2)(dead, X, criterion)
    assert zero.failed.all()
    assert not zero.reached.any()
    no_start = sampled("HopSkipJump")(dead, X, criterion)  # all noise is decided alike
    assert no_start.failed.all()
    with pytest.raises(
        AttackError, match=r"art:SquareAttack broke down inside ART .*RuntimeError: out of luck"
    ) as e:
        attack("art:SquareAttack")(_unlucky(2), X, criterion)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["art:BasicIterativeMethod", "art:DeepFool"])
def test_logits_that_are_not_finite_are_failures(name: str) -> None:
    def nowhere(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        return Outputs(MODEL(images).logits * torch.nan)

    def only_clean(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        logits = MODEL(images).logits
        same = torch.stack([(image == X).flatten(1).all(1).any() for image in images])
        return Outputs(torch.where(same[:, None], logits, torch.nan))

    labels = decision(clean_logits(MODEL, X))
    for model in (nowhere, only_clean):
        for stored in (False, True):
            result = attack(name, max_iter=3)(model, X, TrueLabel(labels), stored=stored)
            assert result.failed.all()
            assert not result.reached.any()
            assert torch.equal(result.images, X)
            assert result.survived is None or not result.survived.any()
    assert attack(name, max_iter=3)(nowhere, X, TrueLabel(labels), judge=MODEL).failed.all()


@pytest.mark.parametrize(
    ("goals", "reached", "survived", "stored"),
    [
        ((0.45,), [True, True], [False, False], [115, 115]),
        ((0.45, 76 / 255), [True, True], [False, True], [115, 76]),
        ((115 / 255, 0.3), [False, True], [True, True], [115, 115]),
    ],
)
def test_what_is_stored_follows_the_radii(
    goals: tuple[float, ...], reached: list[bool], survived: list[bool], stored: list[int]
) -> None:
    """Brightness has goals at points. A radius of 0.05 leads to 0.45, rounded 115, one of 0.2 to 0.3, rounded 76."""

    def model(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        u = images.mean((1, 2, 3))
        there = torch.stack([(u - goal).abs() < 1e-4 for goal in goals]).any(0)
        z = u + 1 - torch.where(there, 5.0, 0.0)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))

    x = torch.full((1, 1, 4, 4), 0.5)
    result = attack("art:FastGradientMethod")(
        model, x, LeaveDecision(model(x).logits), radii=(0.05, 0.2), to_goal=True, stored=True
    )
    assert result.reached[:, 0].tolist() == reached
    assert result.survived[:, 0].tolist() == survived
    assert torch.equal(result.stored[:, 0, 0, 0, 0], torch.tensor(stored) / 255)
    assert torch.allclose(result.images[:, 0, 0, 0, 0], torch.tensor([0.45, 0.45 if reached[0] else 0.3]))


def _unlucky(calls: int) -> object:
    """A model that breaks down after some calls."""
    left = [calls]

    def model(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("out of\nluck")
        return MODEL(images)

    return model


def test_memory_that_runs_out_is_for_the_caller() -> None:
    calls = []

    def model(images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        calls.append(1)
        if len(calls) > 1:
            raise torch.OutOfMemoryError("small")
        return MODEL(images)

    with pytest.raises(torch.OutOfMemoryError):
        attack("art:SquareAttack")(model, X, LeaveDecision(clean_logits(MODEL, X)))


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        (
            "art:AutoProjectedGradientDescent:eps=8/255,max_iter=20",
            "art:AutoProjectedGradientDescent",
            {"eps": 8 / 255, "max_iter": 20},
        ),
        ("art:square_attack:norm=l2,eps=1", "art:SquareAttack", {"norm": 2, "eps": 1}),
        ("art:hop-skip-jump:norm=linf", "art:HopSkipJump", {"norm": "inf"}),
        ("art:zooattack:use_resize=False", "art:ZooAttack", {"use_resize": False}),
        ("art:PixelAttack:th=none", "art:PixelAttack", {"th": None}),
        ("art:SimBA:attack=px,order=diag", "art:SimBA", {"attack": "px", "order": "diag"}),
        ("art:Wasserstein:norm=2", "art:Wasserstein", {"norm": "2"}),
    ],
)
def test_names_and_values_are_read(text: str, name: str, parameters: dict[str, object]) -> None:
    assert parse(text) == (name, parameters)
    made = attack(name, **parameters)
    again = json.loads(json.dumps(plain(settings(made))))  # as a plan keeps it
    assert attack(made.name, **again) == made
    assert set(again) == set(parameters_of(name))
    assert attack_class(name) is ArtAttack
    assert isinstance(made, Attack)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("art:SquareAtack", "ART has no evasion attack 'SquareAtack'; did you mean art:SquareAttack"),
        ("art:qqq", "ART has no evasion attack 'qqq'; it has .*HopSkipJump"),
        ("art:DPatch", "art:DPatch cannot attack a classifier of grey images: it attacks object detectors"),
        (
            "art:SquareAttack:epsilon=1",
            "art:SquareAttack has no parameter 'epsilon'; it takes norm, max_iter, eps",
        ),
        ("art:SquareAttack:eps=8", r"eps of 8 is more than the whole .*8/255"),
        ("art:SquareAttack:eps=much", "art:SquareAttack:eps must be a number, got 'much'"),
        ("art:SquareAttack:max_iter=2.5", "max_iter must be a whole number, got 2.5"),
        ("art:SquareAttack:max_iter=-3", "ART .* refuses art:SquareAttack: ValueError: .*max_iter"),
        ("art:ZooAttack:use_resize=2", "use_resize must be true or false, got 2"),
        ("art:SimBA:batch_size=2", "ART .* refuses art:SimBA: ValueError: .*batch_size"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_what_the_criterion_settles_is_no_parameter() -> None:
    with pytest.raises(UsageError, match="'targeted', which the model and the criterion settle; ART's are"):
        attack("art:CarliniL2Method", targeted=True)


def test_every_class_of_art_is_known_here() -> None:
    """A new version of ART may bring attacks that no one has looked at."""
    assert set(_evasion_classes()) - set(REFUSED) <= {
        *SAMPLE,
        "AutoAttack",
        "AutoConjugateGradient",
        "BrendelBethgeAttack",
        "CarliniL0Method",
        "GeoDA",
        "ProjectedGradientDescentNumpy",
        "ProjectedGradientDescentPyTorch",
        "RescalingAutoConjugateGradient",
        "TargetedUniversalPerturbation",
    }
    for name in REFUSED:
        with pytest.raises(UsageError, match=f"art:{name} cannot attack"):
            attack(f"art:{name}")


def test_words_and_steps() -> None:
    made = attack("art:BasicIterativeMethod", eps=3 / 255, max_iter=7)
    assert made.step_size == pytest.approx(1 / 255)
    assert (made.name, made.norm, made.steps, made.random_start) == (
        "art:BasicIterativeMethod",
        "linf",
        7,
        False,
    )
    words = r"BasicIterativeMethod of ART [\d.]+: L∞ radius 3 grey levels \(0.01176 of full scale\), steps of 1 grey"
    assert re.match(words, made.describe())
    assert "length told in L2; max_iter 100, epsilon 1e-06" in attack("art:DeepFool").describe()
    assert attack("art:ProjectedGradientDescent", num_random_init=1).random_start
    assert attack("art:ProjectedGradientDescent", norm=1, eps=9.0).epsilon is None
    named = attack("art:BasicIterativeMethod", eps=0.1, eps_step=0.05)
    assert named.step_size == pytest.approx(0.05)
    assert named(MODEL, X, LeaveDecision(clean_logits(MODEL, X)), radii=(0.01,)).distance.max() <= 0.01 + 1e-6


def test_art_is_asked_for_only_by_name() -> None:
    code = (
        "import sys; from xaiaudit.attacks.registry import attack; from xaiaudit.attacks.spec import parse; "
        "parse('pgd'); import xaiaudit.attacks.art; assert 'art' not in sys.modules; "
        "sys.modules['art.attacks.evasion'] = None\n"
        "try: parse('art:DeepFool')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(InstallationError.__name__)
    assert "pip install 'xaiaudit[art]'" in done.stdout
    assert "art:" not in "".join(ATTACKS)


def test_a_parameter_that_art_gives_no_default_must_be_named() -> None:
    class Needy:
        def __init__(self, estimator: object, patience: "int", eps: "float" = 0.3) -> None: ...

    with pytest.raises(UsageError, match="art:Needy needs patience; write art:Needy:patience=VALUE"):
        whole_parameters(Needy, {})
    assert whole_parameters(Needy, {"patience": 2}) == {"patience": 2, "eps": 0.3}
