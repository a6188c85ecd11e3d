"""APGD-CE: its checkpoints by hand, and every point it looks at against torchattacks and a derivation of its own."""

import math
import warnings

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, linear, smooth_cnn, some_images
from torch import Tensor, nn

from xaiaudit.attacks.apgd import APGD
from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.pgd import PGD
from xaiaudit.attacks.search import State
from xaiaudit.attacks.sweep import at
from xaiaudit.seeds import Draws
from xaiaudit.tensors import Outputs

X = some_images(12, seed=11)
K = pytest.mark.parametrize("classes", [2, 4])
BALLS = pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.02), ("l2", 0.3)])


class Watching(AsModel):
    """Remembers every batch that it is shown."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        self.seen.append(images.detach().clone())
        return super().forward(images, layers)


def problem(classes: int) -> tuple[nn.Module, LeaveDecision]:
    net = smooth_cnn(classes, seed=classes)
    with torch.no_grad():
        net[-1].bias -= net(X).mean(0)
    criterion = LeaveDecision(clean_logits(AsModel(net), X))
    assert len(criterion.decision.unique()) == classes
    return net, criterion


def looks_of(attack: APGD, net: nn.Module, criterion: LeaveDecision) -> list[Tensor]:
    model = Watching(net)
    attack(model, X, criterion, seeds=range(12))
    return model.seen


def test_the_checkpoints_of_the_paper() -> None:
    assert APGD().checkpoints == (22, 41, 57, 70, 80, 87, 93, 99)
    assert APGD(steps=10).checkpoints == (3, 5, 6, 7, 8, 9, 10)
    assert APGD(steps=1).checkpoints == (1,)


@pytest.mark.parametrize(("norm", "gain"), [("linf", 0.05 * 5.25), ("l2", 0.05 * 7.5625**0.5)])
def test_on_a_linear_model_it_ends_where_the_loss_is_highest(norm: str, gain: float) -> None:
    weight = torch.tensor([0.5, -1.0, 2.0, -0.25, 0.0, 1.5])  # ||w||_1 = 5.25, ||w||_2^2 = 7.5625
    model = linear(torch.stack((torch.zeros(6), weight), 1), torch.tensor([0.0, 0.3]))
    x = torch.full((1, 1, 2, 3), 0.5)
    criterion = LeaveDecision(clean_logits(model, x))
    result = APGD(norm=norm, epsilon=0.05)(model, x, criterion)
    fallen = criterion.clean[0, 1] - clean_logits(model, result.images)[0, 1]
    assert fallen.item() == pytest.approx(gain, rel=1e-4)
    assert (result.forwards.item(), result.backwards.item()) == (102, 100)


def test_it_begins_on_the_sphere() -> None:
    x = X.clamp(0.3, 0.7)
    valid = torch.ones(12, 1, 12, 12, dtype=torch.bool)
    valid[:, :, :5] = False
    for norm in ("linf", "l2"):
        ball = Ball.around(x, valid, norm, at(x, 0.1))
        start = APGD(norm=norm).start(ball, Draws(range(12), 0)).x
        delta = start - x
        length = delta.abs().amax((1, 2, 3)) if norm == "linf" else delta.flatten(1).norm(dim=1)
        assert torch.allclose(length, torch.tensor(0.1).double())
        assert torch.equal(start[:, :, :5], x[:, :, :5])
        assert delta[:, :, 5:].abs().gt(0).double().mean() > 0.99


@K
@BALLS
def test_every_look_equals_torchattacks(classes: int, norm: str, epsilon: float) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    net, criterion = problem(classes)
    theirs = Watching(net)

    class LogitsOnly(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return theirs(images).logits

    attack = torchattacks.APGD(
        LogitsOnly().eval(), norm={"linf": "Linf", "l2": "L2"}[norm], eps=epsilon, steps=100
    )
    attack.device = torch.device("cpu")
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attack.attack_single_run(X, criterion.decision)
    looks = theirs.seen

    class SameStart(APGD):
        def start(self, ball: Ball, draws: Draws) -> State:
            made = super().start(ball, draws)
            return State(looks[0], (looks[0], looks[0], *made.memory[2:]))

    ours = looks_of(SameStart(norm=norm, epsilon=epsilon), net, criterion)
    assert len(looks) == 101  # theirs looks at the start and after each step
    assert (
        len(ours) >= 101
    )  # ours at the start and after each step but the last, then judges the best and the last
    off = [(mine - its).abs().max().item() for mine, its in zip(ours[:100], looks, strict=False)]
    assert max(off[:80]) < 1e-7
    assert max(off) < 5e-4  # theirs compares losses in float32, where they are equal at the top
    assert (looks[100] - looks[0]).abs().max() > 0.02


def derived(
    net: nn.Module, criterion: LeaveDecision, start: Tensor, x0: Tensor, epsilon: float, steps: int
) -> Tensor:
    """Algorithm 1 of the paper for one image in L-inf, on cross-entropy, in plain words: the points looked at."""
    label = criterion.decision

    def f(x: Tensor) -> tuple[float, Tensor]:
        x = x.detach().requires_grad_()
        loss = nn.functional.cross_entropy(net(x), label)
        return loss.item(), torch.autograd.grad(loss, x)[0]

    def inside(x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(x, x0 - epsilon), x0 + epsilon).clamp(0, 1)

    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    marks = {math.ceil(round(share * steps, 6)) for share in shares[1:]}
    eta, points, losses = 2 * epsilon, [start], [f(start)[0]]
    x_old, x = start, inside(start + eta * f(start)[1].sign())
    points.append(x)
    losses.append(f(x)[0])
    f_best_checked, was_halved, last_mark = losses[0], True, 0
    for k in range(1, steps):
        if k in marks:
            rises = sum(
                b > a for a, b in zip(losses[last_mark:k], losses[last_mark + 1 : k + 1], strict=True)
            )
            halve = rises <= 0.75 * (k - last_mark) or (not was_halved and max(losses) <= f_best_checked)
            f_best_checked, was_halved, last_mark = max(losses), halve, k
            if halve:
                eta /= 2
                x = points[losses.index(max(losses))]
        z = inside(x + eta * f(x)[1].sign())
        x_old, x = x, inside(x + 0.75 * (z - x) + 0.25 * (x - x_old))
        points.append(x)
        losses.append(f(x)[0])
    return torch.cat(points)


@K
@pytest.mark.parametrize("steps", [7, 50])
def test_every_look_equals_a_derivation_from_the_paper(classes: int, steps: int) -> None:
    net, _ = problem(classes)
    for row in range(3):
        x = X[row : row + 1]
        criterion = LeaveDecision(clean_logits(AsModel(net), x))
        model, attack = Watching(net), APGD(epsilon=0.03, steps=steps)
        attack(model, x, criterion, seeds=[row])
        theirs = derived(net, criterion, model.seen[0], x, 0.03, steps)
        assert (torch.cat(model.seen[:steps]) - theirs[:steps]).abs().max() < 1e-9
        assert min((seen - theirs[steps:]).abs().max() for seen in model.seen[steps:]) < 1e-9 or (
            len(model.seen) == steps + 1  # the best point had reached the goal, so the last was not asked for
        )


@K
def test_it_breaks_what_art_breaks(classes: int) -> None:
    """ART starts inside the ball, counts checkpoints from one move later and keeps the last point, not the best."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import AutoProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier
    net, criterion = problem(classes)
    x = X.float()
    single = net.float()
    wrapped = PyTorchClassifier(
        single, nn.CrossEntropyLoss(), X.shape[1:], classes, clip_values=(0.0, 1.0), device_type="cpu"
    )
    for epsilon in (0.005, 0.02):
        result = APGD(epsilon=epsilon, steps=40)(
            AsModel(single), x, LeaveDecision(clean_logits(AsModel(single), x))
        )
        attack = AutoProjectedGradientDescent(
            wrapped, eps=epsilon, eps_step=2 * epsilon, max_iter=40, nb_random_init=1, batch_size=12,
            loss_type="cross_entropy", verbose=False,
        )  # fmt: skip
        theirs = attack.generate(x.numpy(), y=np.eye(classes)[criterion.decision.numpy()])
        broken = single(torch.tensor(theirs)).argmax(1) != criterion.decision
        assert torch.equal(result.reached, broken)
        assert result.reached.any()
    assert not APGD(epsilon=0.0005)(
        AsModel(single), x, LeaveDecision(clean_logits(AsModel(single), x))
    ).reached.all()


def test_it_finds_at_least_what_pgd_finds() -> None:
    model = AsModel(smooth_cnn(seed=6))
    images = some_images(48, seed=4)
    criterion = LeaveDecision(clean_logits(model, images))
    for epsilon in (0.002, 0.005, 0.01):
        apgd, pgd = (a(epsilon=epsilon)(model, images, criterion) for a in (APGD, PGD))
        assert (apgd.reached | ~pgd.reached).all()
        rows = torch.arange(48)
        losses = [criterion.loss(Outputs(clean_logits(model, r.images)), rows) for r in (apgd, pgd)]
        both = ~apgd.reached
        assert both.any()
        assert (losses[0][both] >= losses[1][both] - 1e-3 * losses[1][both].abs()).all()


def test_a_gradient_of_zero_on_the_way_is_a_failure_and_the_best_point_is_kept() -> None:
    """The loss rises to a plateau beyond 0.52 in the mean, where there is no gradient, but no other decision."""

    class Plateau(nn.Module):
        def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
            z = 1 - images.mean((1, 2, 3)).clamp(max=0.52)
            return Outputs(torch.stack((torch.zeros_like(z), z), 1))

    model, x = Plateau().eval(), torch.full((3, 1, 3, 3), 0.5)
    result = APGD(epsilon=0.1)(model, x, LeaveDecision(clean_logits(model, x)), to_goal=True)
    assert result.failed.all()
    assert not result.reached.any()
    assert (result.images.mean((1, 2, 3)) >= 0.52).all()
    assert (result.backwards < 5).all()


def test_it_says_what_it_does() -> None:
    assert APGD().describe() == (
        "APGD-CE: L∞ radius 8 grey levels (0.03137 of full scale), 100 steps of sizes that it chooses, "
        "from a random point at the radius"
    )
    assert APGD(norm="l2").epsilon == 3.0
    assert "L2 radius 765 grey levels over all pixels" in APGD(norm="l2", restarts=3).describe()
