"""The attack on the explanation: closed forms, gradients, and what it promises."""

import copy
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import product

import pytest
import torch
from attack_nets import AsModel, Counted, clean_logits, goal, no_lesions, reaches, smooth_cnn, some_images
from scipy.optimize import linprog
from torch import Tensor, nn

from xaiaudit.attacks import map_direction, map_goals
from xaiaudit.attacks.criteria import LeaveDecision, ShiftMap
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.guarded_step import guarded_signs
from xaiaudit.attacks.map_shift import MapShift
from xaiaudit.attacks.shifted_map import ShiftedMap
from xaiaudit.attacks.worst import WorstCase
from xaiaudit.errors import UsageError
from xaiaudit.explainers.cam import CAM
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.explainers.of_layer import OfLayer
from xaiaudit.functional import decision
from xaiaudit.models import AuditedModel
from xaiaudit.types import Preprocessing

D = torch.float64
MODEL = AsModel(smooth_cnn())


def pooled(seed: int = 0, activation: type[nn.Module] = nn.Softplus, size: int = 12) -> AuditedModel:
    """A network that ends in global average pooling and a linear layer, so that it has a CAM."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        activation(),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        activation(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    with torch.no_grad():
        net.double()
        net[-1].weight *= 30
        net[-1].bias -= net(some_images(64, seed=99)).mean(0)
    plain = Preprocessing(size=size, channels=1, mean=(0.0,), std=(1.0,))
    return AuditedModel(net, preprocessing=plain, cam_layer="3").double()


# --- the step


def test_a_free_step_follows_the_signs_and_a_bound_one_turns_as_little_as_needed() -> None:
    up = torch.tensor([3.0, 1.0, -2.0]).view(1, 1, 1, 3)
    guard = torch.tensor([-1.0, -2.0, 0.5]).view(1, 1, 1, 3)  # the signs of `up` take 3.5 from it
    for slack, wanted in ((4.0, [1, 1, -1]), (1.0, [1, -1, -1]), (-1.0, [-1, -1, -1]), (-99.0, [-1, -1, 1])):
        assert guarded_signs(up, guard, torch.tensor([slack]), 1.0).flatten().tolist() == wanted
    nowhere = guarded_signs(torch.zeros_like(up), guard, torch.tensor([0.0]), 1.0)
    assert not nowhere.any()


@pytest.mark.parametrize("seed", range(6))
def test_the_step_solves_its_linear_programme(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    up, guard = (torch.randn(1, 1, 20, 20, generator=generator, dtype=D) for _ in range(2))
    up = up - 0.8 * guard  # at odds
    slack = torch.tensor([-30.0 + 20 * seed], dtype=D)
    signs = guarded_signs(up, guard, slack, 1.0).flatten()
    best = linprog(
        -up.flatten().numpy(), A_ub=-guard.flatten()[None].numpy(), b_ub=slack.numpy(), bounds=(-1, 1)
    )
    assert float(signs @ guard.flatten()) >= -float(slack)
    assert float(signs @ up.flatten()) >= -best.fun - 0.02 * abs(best.fun)


# --- what can be done to a map


def test_mass_centre_and_its_distance_by_hand() -> None:
    maps = torch.tensor([[[1.0, 3.0], [-5.0, 0.0]]], dtype=D)  # negative values weigh nothing
    centre = map_goals.mass_centre(maps)
    assert centre[0].tolist() == pytest.approx([0.25, 0.25 * 0.25 + 0.75 * 0.75])
    before, way = centre.clone(), torch.tensor([[0.6, -0.8]], dtype=D)
    assert map_goals.displacement(maps, before, way).item() == pytest.approx(map_goals.PUSH)
    assert map_goals.displacement(maps, before + 0.1 * way, way).item() == pytest.approx(0.1 - map_goals.PUSH)
    centre.requires_grad_()
    (slope,) = torch.autograd.grad((centre - before + map_goals.PUSH * way).norm(), centre)
    assert slope[0].tolist() == pytest.approx(way[0].tolist())
    assert not map_goals.mass_centre(-maps.abs()).any()  # no mass, no place, and no NaN either
    assert map_goals.displacement(-maps.abs(), before, way).isfinite().all()


def test_the_way_out_is_where_the_centre_goes_fastest_and_farthest() -> None:
    """Two pixels, one moving the centre down and one to the left, the first three times as fast."""
    assert map_direction.room(
        torch.tensor([[0.25, 0.5]]), torch.tensor([[1.0, 0.0], [0.0, -1.0], [0.6, 0.8]])
    ).tolist() == [[0.75, 0.5, pytest.approx(0.625)]]
    x = torch.full((3, 1, 1, 2), 0.5, dtype=D, requires_grad=True)
    down, left = torch.tensor([3.0, 0.0], dtype=D), torch.tensor([0.0, -1.0], dtype=D)
    places = torch.tensor([[0.5, 0.5], [0.98, 0.9], [0.5, 0.5]], dtype=D)
    flat = (x - 0.5).flatten(1)
    centre = places + torch.stack((flat @ down, flat @ left), 1)
    valid = torch.ones(3, 1, 1, 2, dtype=torch.bool)
    valid[2, 0, 0, 0] = False
    ways = map_direction.way_out(centre, x, valid)
    assert ways.norm(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert ways[0].abs().tolist() == pytest.approx(
        [0.5**0.5] * 2
    )  # 4 / 2 along a diagonal, against 3 / 2 down
    assert ways[1, 0] < -0.7  # not down, where there is no room
    assert ways[2].tolist() == pytest.approx([0, 1], abs=1e-9)  # the other pixel is padding: both ends alike


def test_the_cells_to_empty_are_the_lesion_where_it_is_outlined_else_the_top() -> None:
    before = torch.arange(32, dtype=D).view(2, 4, 4)
    outlines = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    outlines[1, 0, :2, :3] = True  # one cell and half of the next
    cells = map_goals.top_cells(before, outlines)
    assert cells[0].flatten().nonzero().tolist() == [[15]]  # 5 % of 16 cells
    assert cells[1].flatten()[:3].tolist() == [1.0, 0.5, 0.0]
    assert cells[1].sum() == 1.5
    assert torch.equal(map_goals.top_cells(before, None)[0], cells[0])
    assert map_goals.lost_mass(before, cells)[0].item() == pytest.approx(-15 / 120)


def test_the_target_is_a_blob_in_the_corner_that_is_named_or_farthest() -> None:
    before = torch.zeros(1, 8, 8, dtype=D)
    before[0, 1, 6] = 1.0
    for corner, rows, columns in (
        ("farthest", slice(4, 8), slice(0, 4)),
        ("upper-left", slice(0, 4), slice(0, 4)),
        ("lower-right", slice(4, 8), slice(4, 8)),
    ):
        target = map_goals.blob(before, corner)
        assert target.sum().item() == pytest.approx(1)
        assert target[0, rows, columns].sum() > 0.9
        assert map_goals.likeness(target, target).item() == pytest.approx(0, abs=1e-20)
        assert map_goals.likeness(before, target).item() < 0


# --- gradients through the maps


@pytest.mark.parametrize("kind", ["mass-centre", "top-k", "target-map"])
@pytest.mark.parametrize("explainer", [CAM(), GradCAM(), GradCAM(layer="1")])
def test_gradients_of_the_goals_are_those_of_finite_differences(kind: str, explainer) -> None:
    """At layer 1 the weights of Grad-CAM depend on the image, so that second derivatives take part."""
    model, x = pooled(), some_images(2, seed=3)
    x = x.clamp(0.1, 0.9)
    with model:
        asked = ShiftMap(LeaveDecision(clean_logits(model, x)), no_lesions(x))
        near = (x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=D)).clamp(
            0, 1
        )
        shifted = ShiftedMap.of(asked, explainer, model, near, kind, "farthest")
        rows = torch.arange(2)

        def values(images: Tensor) -> Tensor:
            return shifted.guarded(model(images, shifted.layers), rows)

        assert torch.autograd.gradcheck(values, x.requires_grad_(), eps=1e-6, atol=1e-5)


# --- the attack


class Pixels(nn.Module):
    """Features are the pixels themselves; lead of class 1: k (mean - t)."""

    def __init__(self, k: float, t: float) -> None:
        super().__init__()
        self.features, self.pool = nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.features.weight.fill_(1.0)
            self.head.weight.copy_(torch.tensor([[0.0], [k]]))
            self.head.bias.copy_(torch.tensor([0.0, -k * t]))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.features(x)).flatten(1))


@pytest.mark.parametrize("explainer", ["cam", "grad-cam"])
@pytest.mark.parametrize("t", [0.2, 0.475])  # a decision that nothing can turn, and one that binds
def test_on_linear_features_the_best_point_of_the_ball_is_found(explainer: str, t: float) -> None:
    """The map is the image, so the farthest mass centre is found by trying all points of a grid of 2 x 2 pixels."""
    plain = Preprocessing(size=8, channels=1, mean=(0.0,), std=(1.0,))
    model = AuditedModel(Pixels(10.0, t), preprocessing=plain, cam_layer="features", head="head").double()
    x = torch.tensor([0.36, 0.62, 0.34, 0.6], dtype=D).view(1, 1, 2, 2)
    asked = ShiftMap(LeaveDecision(clean_logits(model, x)), no_lesions(x))
    result = MapShift(explainer=explainer, epsilon=0.2, keep=0.02, steps=40)(model, x, asked)
    start = map_goals.mass_centre(x[:, 0])

    def way(images: Tensor) -> Tensor:
        return (map_goals.mass_centre(images[:, 0]) - start).norm(dim=1)

    levels = torch.linspace(-0.2, 0.2, 11, dtype=D)
    points = x + torch.stack([torch.stack(point) for point in product(levels, repeat=4)]).view(-1, 1, 2, 2)
    stands = 10.0 * (points.mean((1, 2, 3)) - t) >= 0.02
    best = way(points[stands]).max()
    assert not stands.all() or t == 0.2
    assert way(result.images).item() >= 0.97 * best.item()
    assert decision(clean_logits(model, result.images)).tolist() == [1]
    assert (result.images - x).abs().max() <= 0.2 + 1e-12
    assert result.reached.item() is (best.item() / 2**0.5 > 0.1)


@pytest.mark.parametrize("aim", ["mass-centre", "top-k", "target-map"])
@pytest.mark.parametrize("explainer", ["cam", "grad-cam"])
def test_the_decision_is_kept_and_the_map_goes_farther_than_under_noise(aim: str, explainer: str) -> None:
    model, x = pooled(), some_images(8, seed=4)
    with model:
        asked = ShiftMap(LeaveDecision(clean_logits(model, x)), no_lesions(x))
        method = MapShift(explainer=explainer, goal=aim, epsilon=0.1, steps=40)
        result = method(model, x, asked)
        shifted = ShiftedMap.of(asked, method.explains(), model, x, aim, "farthest")
        rows, layers = torch.arange(8), shifted.layers
        noise = (x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).sign()).clamp(
            0, 1
        )
        there = shifted.before.amax((1, 2)) > 0  # else the signed map has no positive mass to move
        clean, found, blind = (
            shifted.loss(model(images, layers), rows)[there] for images in (x, result.images, noise)
        )
        assert len(found) >= 4
        assert torch.equal(decision(clean_logits(model, result.images)), asked.decision.decision)
    assert (found > clean).all()
    assert (found > blind).all()
    assert not result.failed.any()


def test_of_the_iterates_the_farthest_is_kept() -> None:
    """With the same step size the first steps are the same, so more of them can only lead farther."""
    x = some_images(6, seed=8)
    asked = goal("map-shift", MODEL, x)
    shifted = ShiftedMap.of(asked, GradCAM(), MODEL, x, "mass-centre", "farthest")
    before = torch.full((6,), -torch.inf, dtype=D)
    for steps in (2, 6, 12, 24):
        result = MapShift(epsilon=0.2, alpha=0.05, steps=steps)(MODEL, x, asked)
        found = shifted.loss(MODEL(result.images, shifted.layers), torch.arange(6))
        assert torch.equal(decision(clean_logits(MODEL, result.images)), asked.decision.decision)
        settled = result.reached
        assert (found[settled] >= before[settled] - 1e-9).all()
        before = torch.where(settled, found.detach(), before)
    assert settled.any()


def test_joint_moves_the_map_and_leaves_the_decision() -> None:
    x = some_images(8, seed=5)
    leave = LeaveDecision(clean_logits(MODEL, x))
    result = MapShift(goal="joint", epsilon=0.4, steps=40)(
        MODEL, x, ShiftMap(leave, no_lesions(x), fate="left")
    )
    old, new = (GradCAM()(MODEL, images, leave.decision) for images in (x, result.images))
    moved = no_lesions(x).moved(old, new, torch.arange(8), signed=False)
    flipped = decision(clean_logits(MODEL, result.images)) != leave.decision
    assert torch.equal(result.reached, moved & flipped)
    assert result.reached.float().mean() >= 0.7


def test_the_judge_decides_on_its_own_map() -> None:
    x, generator = some_images(12, seed=6), torch.Generator().manual_seed(0)
    judge = copy.deepcopy(MODEL)
    with torch.no_grad():
        for weight in judge.parameters():
            weight += 0.3 * weight.std() * torch.randn(weight.shape, generator=generator, dtype=D)
    found = MapShift(epsilon=0.3, steps=10)(MODEL, x, goal("map-shift", judge, x), judge=judge)
    assert torch.equal(found.reached, reaches("map-shift", judge, x, found.images))
    assert 0 < found.reached.sum() < 12


class Broken(nn.Module):
    """Image 1 (told by a pixel of the padding) has a gradient that is not finite; image 2 has no map."""

    cam_layer = "3"

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()):
        out = MODEL(images, layers)
        mark = images[:, 0, -1, -1]
        bad = (images.flatten(1)[:, 0] * (mark != 0.5)).sqrt()[:, None] * torch.tensor([0.0, 1e-3])
        dead = (mark != 0.25).to(images)
        logits = out.logits * dead[:, None] + bad.to(images)
        return replace(out, logits=logits)


@pytest.mark.parametrize("to_goal", [False, True])
def test_one_broken_image_does_not_touch_the_others_and_one_without_a_map_is_left_alone(
    to_goal: bool,
) -> None:
    x = some_images(4, seed=5).clamp(0.02, 0.98)
    valid = torch.ones(4, 1, 12, 12, dtype=torch.bool)
    valid[:, :, -1] = False
    x[:, 0, -1, -1] = torch.tensor([1.0, 0.5, 0.25, 1.0], dtype=D)
    model = Broken().eval()
    result = MapShift(epsilon=0.3, steps=20)(
        model, x, goal("map-shift", model, x), valid=valid, to_goal=to_goal
    )
    assert result.failed.tolist() == [False, True, False, False]
    assert not result.reached[1:3].any()
    assert torch.equal(result.images[1:3], x[1:3])
    assert result.applicable.tolist() == [True, True, False, True]
    assert result.forwards[2] == 1  # to see that it has none
    assert result.backwards[2] == 3  # two for the way out, one within Grad-CAM
    assert result.images.isfinite().all()
    assert (result.images[[0, 3]] != x[[0, 3]]).any()


def test_an_image_that_a_judge_has_moved_leaves_at_once() -> None:
    x = some_images(6, seed=7)
    model = Counted(smooth_cnn())
    asked = goal("map-shift", model, x)
    model.forwards = model.backwards = 0
    result = MapShift(epsilon=0.3, steps=40)(model, x, asked, to_goal=True)
    assert result.reached.sum() >= 3
    # 40 steps with two each and two to read the map twice; three to begin with; four to judge the two finalists
    assert result.backwards[result.reached].max() < 167
    assert (result.backwards[~result.reached] == 167).all()


@pytest.mark.parametrize("to_goal", [False, True])
@pytest.mark.parametrize("explainer", ["cam", "grad-cam"])
def test_every_gradient_is_counted(explainer: str, to_goal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one image alone, a call of autograd is a pass back of that image."""
    model, x = pooled(), some_images(1, seed=3)
    asked = goal("map-shift", model, x)
    calls = 0
    honest = torch.autograd.grad

    def counted(*given: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        return honest(*given, **named)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    made = MapShift(explainer=explainer, epsilon=0.01, steps=4)
    result = made(model, x, asked, to_goal=to_goal, stored=True)
    assert result.backwards.item() == calls
    calls = 0
    result = made(model, x, asked, radii=(0.002, 0.01), to_goal=to_goal, stored=True)
    assert result.backwards.sum().item() == calls


@pytest.mark.parametrize("fate", ["kept", "left"])
def test_of_three_classes_the_lead_is_over_the_nearest_other(fate: str) -> None:
    """Two others just behind must not pass, together, for one that is ahead; nor the two for a clear lead."""
    model, x = AsModel(smooth_cnn(3)), some_images(4)
    shifted = ShiftedMap.of(
        ShiftMap(LeaveDecision(torch.tensor([[3.0, 1.0, 1.0]] * 4, dtype=D)), no_lesions(x), fate=fate),
        MeanMap(),
        model,
        x,
        "mass-centre",
        "farthest",
    )
    logits = [[1.0, 0.9, 0.9], [1.0, 0.9, -9.0], [1.0, 1.25, 1.25], [1.0, 1.25, -9.0]]
    out = replace(model(x, shifted.layers), logits=torch.tensor(logits, dtype=D))
    own = torch.tensor([0.1, 0.1, -0.25, -0.25], dtype=D) * (1 if fate == "kept" else -1)
    rows = torch.arange(4)
    assert shifted.guarded(out, rows)[:, 1].tolist() == pytest.approx(own.tolist())
    assert torch.equal(shifted.loss(out, rows).isfinite(), own >= 0)


@dataclass(frozen=True, kw_only=True)
class MeanMap(OfLayer):
    """The mean feature map, which asks nothing of the logits."""

    layer: str | None = None

    def traced(self, model, outputs, target) -> Tensor:
        return outputs.features["3"].mean(1)

    from_outputs = traced


@pytest.mark.parametrize("kind", ["mass-centre", "top-k", "target-map"])
def test_a_map_without_mass_went_nowhere(kind: str) -> None:
    """Its centre would else be taken for the upper left corner, farther than any centre of mass can go."""
    model, x = AsModel(smooth_cnn()), some_images(4)
    asked = ShiftMap(LeaveDecision(clean_logits(model, x)), no_lesions(x))
    shifted = ShiftedMap.of(asked, MeanMap(), model, x, kind, "farthest")
    clean = model(x, shifted.layers)
    features = clean.features["3"].abs()
    rows, worst = torch.arange(4), torch.zeros_like(features)
    worst[..., 0, 0] = 1.0  # all mass in one cell
    some, none, single = (
        shifted.loss(replace(clean, features={"3": kept}), rows) for kept in (features, -features, worst)
    )
    assert (none < torch.minimum(some, single)).all()
    assert none.isfinite().all()  # the decision stands


# --- goals that do not fit


def test_other_goals_are_refused_and_so_is_its_goal_elsewhere() -> None:
    x = some_images(2)
    leave = LeaveDecision(clean_logits(MODEL, x))
    with pytest.raises(UsageError, match="cannot be after something else"):
        MapShift()(MODEL, x, leave)
    with pytest.raises(UsageError, match="with the decision left"):
        MapShift(goal="joint")(MODEL, x, ShiftMap(leave, no_lesions(x)))
    with pytest.raises(UsageError, match="only the attack map-shift"):
        IterativeFGSM()(MODEL, x, ShiftMap(leave, no_lesions(x)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"keep": 0.0}, "keep must be finite and above 0"),
        ({"beta": float("inf")}, "beta must be finite"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"target": "lower-left"}, "target is of goal=target-map, and here goal is mass-centre.*; add goal="),
        ({"target": "lower-left", "goal": "joint"}, "target is of goal=target-map, and here goal is joint"),
        ({"beta": 10.0}, "beta is of surrogate=softplus, and here surrogate is none.*; add surrogate="),
    ],
)
def test_what_cannot_be_is_refused(given: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        MapShift(**given)


def test_a_word_that_is_not_known_is_refused_where_nothing_checks_types() -> None:
    code = """
from xaiaudit.attacks.map_shift import MapShift
from xaiaudit.errors import UsageError
for given in ({"explainer": "hirescam"}, {"goal": "up"}, {"target": "middle"}, {"surrogate": "tanh"}):
    try:
        MapShift(**given)
    except UsageError as error:
        print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stdout
    assert [line.split()[0] for line in said.splitlines()] == [
        f"map-shift:{n}" for n in ("explainer", "goal", "target", "surrogate")
    ]


def test_it_is_no_member_of_the_worst_case() -> None:
    with pytest.raises(UsageError, match="map-shift cannot be a member of worst"):
        WorstCase(attacks=("map-shift", "apgd"))


def test_a_model_without_a_linear_head_has_no_cam_to_move() -> None:
    x = some_images(2)
    with pytest.raises(UsageError, match="CAM is not defined"):
        MapShift(explainer="cam").explains().explained(MODEL)
    with pytest.raises(UsageError, match="CAM is not defined"):
        MapShift(explainer="cam")(MODEL, x, goal("map-shift", MODEL, x))
