"""FAB: its projection against linear and quadratic programs, its steps against torchattacks, its norms by hand."""

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, linear, smooth_cnn, some_images
from scipy.optimize import linprog, minimize
from torch import Tensor

from xaiaudit.attacks.ball import Ball, distance
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fab import FAB, SECANTS
from xaiaudit.attacks.projection import onto_boundary
from xaiaudit.attacks.registry import attack
from xaiaudit.errors import UsageError

NORMS = pytest.mark.parametrize("norm", ["linf", "l2"])
ANYWHERE = {"linf": 1.0, "l2": 100.0}


def plane(seed: int, share: float, sign: float, spread: float = 2.0) -> tuple[Tensor, Tensor, Tensor, Ball]:
    """A point of the box, some pixels at its bounds and two that may not move, and a plane which it reaches."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(1, 1, 2, 6, generator=generator, dtype=torch.float64)
    x[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    grad = torch.randn(1, 1, 2, 6, generator=generator, dtype=torch.float64)
    grad *= 10 ** (spread * torch.rand(1, 1, 2, 6, generator=generator, dtype=torch.float64))
    valid = torch.ones(1, 1, 2, 6, dtype=torch.bool)
    valid[..., 4:] = False
    grad[~valid] = 0
    ball = Ball.around(x, valid, "linf", None)
    room = torch.where(grad * sign > 0, x - ball.low, ball.high - x)
    return x, grad, sign * share * (grad.abs() * room).sum((1, 2, 3)), ball


def bounds(x: Tensor, ball: Ball) -> list[tuple[float, float]]:
    return list(zip((ball.low - x).flatten().tolist(), (ball.high - x).flatten().tolist(), strict=True))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("seed", range(4))
def test_linf_projection_is_the_solution_of_the_linear_program(seed: int, share: float, sign: float) -> None:
    """Least t with -t <= d <= t, <grad, d> = -value, and x + d in the box."""
    x, grad, value, ball = plane(seed, share, sign)
    ours = onto_boundary(x, grad, value, ball, "linf").flatten().numpy()
    n = len(ours)
    box = np.block([[np.eye(n), -np.ones((n, 1))], [-np.eye(n), -np.ones((n, 1))]])
    theirs = linprog(
        np.eye(n + 1)[n], A_ub=box, b_ub=np.zeros(2 * n), A_eq=np.append(grad.flatten(), 0)[None],
        b_eq=[-value.item()], bounds=[*bounds(x, ball), (0, None)],
    )  # fmt: skip
    assert theirs.status == 0
    assert np.abs(ours).max() == pytest.approx(theirs.fun, rel=1e-8)
    assert (grad.flatten().numpy() @ ours) == pytest.approx(-value.item(), rel=1e-9)
    moved = x.flatten().numpy() + ours
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not ours.reshape(2, 6)[:, 4:].any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7])
def test_l2_projection_is_the_solution_of_the_quadratic_program(share: float, sign: float) -> None:
    for seed in range(4):
        x, grad, value, ball = plane(seed, share, sign, spread=0.5)
        ours = onto_boundary(x, grad, value, ball, "l2").flatten().numpy()
        g, v = grad.flatten().numpy(), value.item()
        theirs = minimize(
            lambda d: d @ d, np.zeros(12), jac=lambda d: 2 * d, bounds=bounds(x, ball), method="SLSQP",
            constraints={"type": "eq", "fun": lambda d, g=g, v=v: g @ d + v, "jac": lambda d, g=g: g},
            options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        assert theirs.success
        assert g @ ours == pytest.approx(-v, rel=1e-9)
        assert np.abs(ours - theirs.x).max() < 1e-5


@NORMS
@pytest.mark.parametrize("pixels", [100, 5000])
def test_projection_holds_for_bounds_and_gradients_over_decades(norm, pixels: int) -> None:
    """Newton's steps are enough: the plane is reached, and the pixels that stopped short are at their bounds."""
    generator = torch.Generator().manual_seed(pixels)
    shape = (40, 1, 1, pixels)
    x = torch.rand(shape, generator=generator, dtype=torch.float64) ** 6
    decades = 6 * torch.rand(shape, generator=generator, dtype=torch.float64)
    grad = torch.randn(shape, generator=generator, dtype=torch.float64) * 10**decades
    ball = Ball.around(x, None, norm, None)
    share = torch.rand(40, generator=generator, dtype=torch.float64)
    value = share * (grad.abs() * torch.where(grad > 0, x, 1 - x)).sum((1, 2, 3))
    d = onto_boundary(x, grad, value, ball, norm)
    assert torch.allclose((grad * d).sum((1, 2, 3)), -value, rtol=1e-9, atol=0)
    length = d.abs() if norm == "linf" else d.abs() / grad.abs()
    free = ((x + d) > 1e-12) & ((x + d) < 1 - 1e-12)
    longest = length.amax((1, 2, 3), keepdim=True).expand(shape)
    assert torch.allclose(length[free], longest[free], rtol=1e-6)


def test_a_boundary_beyond_the_box_is_approached_as_far_as_it_goes() -> None:
    x = torch.tensor([[[[0.2, 0.7, 0.5]]]])
    grad = torch.tensor([[[[1.0, -2.0, 0.0]]]])
    d = onto_boundary(x, grad, torch.tensor([50.0]), Ball.around(x, None, "linf", None), "linf")
    assert d.flatten().tolist() == pytest.approx([-0.2, 0.3, 0.0])
    nowhere = onto_boundary(x, grad, torch.tensor([0.0]), Ball.around(x, None, "linf", None), "linf")
    assert not nowhere.any()


def test_a_linear_model_needs_its_margin_over_the_norm_of_its_weights() -> None:
    """And where black pixels cannot help, over that of the others: 0.3 / (1 + 2) = 0.1."""
    weight = torch.tensor([[0.0, 1.0], [0.0, -2.0], [0.0, 5.0]], dtype=torch.float64)
    x = torch.tensor([[[[0.6, 0.4, 0.0]]]], dtype=torch.float64)
    model = linear(weight, torch.tensor([0.0, 0.5], dtype=torch.float64))  # margin 0.6 - 0.8 + 0.5 = 0.3
    result = FAB(steps=5)(model, x, LeaveDecision(clean_logits(model, x)), radii=(0.2, 0.0999))
    assert result.reached.tolist() == [[True], [False]]
    assert result.distance[0].item() == pytest.approx(0.1, rel=1e-5)
    assert (result.images[0] - x).flatten().tolist() == pytest.approx([-0.1, 0.1, 0.0], rel=1e-5)
    l2 = FAB(steps=5, norm="l2")(model, x, LeaveDecision(clean_logits(model, x)))
    assert l2.distance.item() == pytest.approx(0.3 / 5**0.5, rel=1e-5)


def problem(classes: int) -> tuple[torch.nn.Module, AsModel, Tensor, LeaveDecision]:
    x = some_images(12, seed=11)
    net = smooth_cnn(classes, seed=classes)
    with torch.no_grad():
        net[-1].bias -= net(x).mean(0)
    model = AsModel(net)
    return net, model, x, LeaveDecision(clean_logits(model, x))


@pytest.fixture
def torchattacks_in_float64(monkeypatch: pytest.MonkeyPatch):
    """It casts images, masks and gradients to float32."""
    module = pytest.importorskip("torchattacks", reason="torchattacks is not installed: no parity of FAB")
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield module
    torch.set_default_dtype(torch.float32)


@NORMS
@pytest.mark.parametrize("classes", [2, 4])
def test_fab_equals_torchattacks_but_for_the_final_search(
    norm, classes: int, torchattacks_in_float64, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, model, x, criterion = problem(classes)
    name = {"linf": "Linf", "l2": "L2"}[norm]
    theirs = torchattacks_in_float64.FAB(net, norm=name, steps=30, eps=1e6)(x, criterion.decision)
    assert theirs.dtype == torch.float64
    assert (net(theirs).argmax(1) != criterion.decision).all()
    length = distance(theirs, x, norm)
    ours = FAB(norm=norm, epsilon=ANYWHERE[norm], steps=30)(model, x, criterion)
    assert ours.reached.all()
    assert (ours.distance <= length * (1 + 1e-9)).all()
    assert (ours.distance >= 0.99 * length).all()
    monkeypatch.setattr("xaiaudit.attacks.fab.SECANTS", 0)
    plain = FAB(norm=norm, epsilon=ANYWHERE[norm], steps=30)(model, x, criterion)
    assert (plain.images - theirs).abs().max() < 1e-6


class Sine(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sin()


@NORMS
def test_fab_finds_shorter_ways_than_deepfool_where_boundaries_are_curved(norm) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(144, 60), Sine(), torch.nn.Linear(60, 2)
    ).double()
    with torch.no_grad():
        net[1].weight *= 4
        net[3].weight *= 10
    model, x = AsModel(net), some_images(12, seed=11)
    criterion = LeaveDecision(clean_logits(model, x))
    fab = FAB(norm=norm, epsilon=ANYWHERE[norm], steps=50)(model, x, criterion)
    deepfool = DeepFool(norm=norm)(model, x, criterion)
    assert fab.reached.all()
    ratio = fab.distance / deepfool.distance
    assert ratio.median() < 0.997
    assert ratio.mean() < 0.99
    assert ratio.max() < 1.002


def test_each_image_makes_its_steps_and_no_more() -> None:
    _, model, x, criterion = problem(2)
    made = FAB(steps=10, epsilon=1.0)(model, x, criterion)
    assert (made.backwards == 10).all()  # as many as the authors' code
    assert (made.forwards == 2 * 10 + SECANTS + 1).all()


def test_what_has_reached_the_goal_already_stays() -> None:
    _, model, x, criterion = problem(2)
    swapped = LeaveDecision(clean_logits(model, x)[:, [1, 0]])
    result = FAB()(model, x, swapped)
    assert result.reached.all()
    assert torch.equal(result.images, x)
    assert (result.backwards == 1).all()
    assert (result.forwards <= 3).all()
    assert not FAB(epsilon=1e-6)(model, x, criterion).reached.any()


def test_an_image_on_the_boundary_leaves_it() -> None:
    model = linear(torch.tensor([[0.0, 1.0]] * 4), torch.tensor([0.0, -2.0]))
    x = torch.full((1, 1, 2, 2), 0.5)  # margin 0 is class 1
    result = FAB()(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.reached.item() is True
    assert 0 < result.distance.item() < 1e-5


@pytest.mark.parametrize("lead", [1.04, 1.2, 1.9, 3.0])
def test_a_judge_who_sees_the_boundary_elsewhere_gets_the_next_point_beyond(lead: float) -> None:
    """As after a search in bf16: its boundary is at 0.01 a pixel, that of the judge `lead` times as far."""
    weight, x = torch.tensor([[0.0, 1.0]] * 4), torch.full((1, 1, 2, 2), 0.5)
    search = linear(weight, torch.tensor([0.0, -1.96]))
    judge = linear(weight, torch.tensor([0.0, -2 + 0.04 * lead]))
    result = FAB(steps=5, epsilon=0.1)(search, x, LeaveDecision(clean_logits(search, x)), judge=judge)
    assert result.reached.item() is True
    assert lead * 0.01 <= result.distance.item() < 2.1 * lead * 0.01


def test_radius_and_bad_values() -> None:
    assert FAB().epsilon == 8 / 255
    assert FAB(norm="l2").epsilon == 3.0
    assert attack("fab", epsilon=0.1, steps=20).describe() == (
        "FAB: the smallest perturbation that it finds in 20 steps, if within L∞ radius 25.5 grey levels "
        "(0.1 of full scale), from the clean image"
    )
    for bad in ({"eta": 0.9}, {"beta": 1.5}, {"alpha_max": -0.1}, {"steps": 0}, {"epsilon": 8.0}):
        with pytest.raises(UsageError):
            FAB(**bad)
