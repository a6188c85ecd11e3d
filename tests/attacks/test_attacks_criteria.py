"""The criteria against cross-entropy and the decision rule."""

import pytest
import torch
from torch.nn.functional import cross_entropy, softplus

from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.criteria import LeaveDecision, TargetClass, TrueLabel
from xaiaudit.attacks.noise import Noise
from xaiaudit.attacks.pgd import PGD
from xaiaudit.attacks.square import Square
from xaiaudit.functional import decision, logit
from xaiaudit.tensors import Outputs


def logits_of(n: int, k: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_losses_are_cross_entropy_before_its_softplus(k: int) -> None:
    clean, now = logits_of(20, k), logits_of(20, k, 1)
    rows = torch.arange(20)
    leave = LeaveDecision(clean)
    assert torch.allclose(
        softplus(leave.loss(Outputs(now), rows)), cross_entropy(now, clean.argmax(1), reduction="none")
    )
    target = TargetClass(rows % k)
    assert torch.allclose(
        softplus(-target.loss(Outputs(now), rows)), cross_entropy(now, rows % k, reduction="none")
    )


@pytest.mark.parametrize("k", [2, 3, 7])
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_margins_are_positive_until_the_goal_is_reached(k: int, threshold: float) -> None:
    clean, out, rows = logits_of(200, k), Outputs(logits_of(200, k, 1)), torch.arange(200)
    leave = LeaveDecision(clean, threshold)
    assert torch.equal(leave.decision, decision(clean, threshold))
    assert torch.equal(leave.reached(out, rows), (leave.margins(out, rows) < 0).any(1))
    assert leave.margins(out, rows).shape == (200, k - 1)
    target = TargetClass(rows % k, threshold)
    assert torch.equal(target.reached(out, rows), (target.margins(out, rows) < 0).all(1))
    assert target.margins(out, rows).shape == (200, 1)
    assert isinstance(leave, Criterion)
    assert isinstance(target, Criterion)


def test_the_binary_loss_is_the_negative_signed_margin_at_the_threshold() -> None:
    criterion = LeaveDecision(torch.tensor([[0.0, 3.0], [0.0, -3.0]]), 0.9)
    out = Outputs(torch.tensor([[1.0, 2.5], [1.0, 2.5]]))
    margin = 1.5 - logit(0.9)
    assert torch.allclose(criterion.loss(out, torch.arange(2)), torch.tensor([-margin, margin]))


def test_a_margin_of_zero_is_class_1() -> None:
    out = Outputs(torch.zeros(2, 2))
    criterion = LeaveDecision(torch.tensor([[0.0, 1.0], [0.0, -1.0]]))
    assert criterion.reached(out, torch.arange(2)).tolist() == [False, True]


def test_rows_name_the_images_that_are_left() -> None:
    clean = logits_of(6, 3)
    criterion, rows = LeaveDecision(clean), torch.tensor([5, 1, 2])
    now = Outputs(logits_of(6, 3, 1))
    some = Outputs(now.logits[rows])
    assert torch.equal(criterion.loss(some, rows), criterion.loss(now, torch.arange(6))[rows])
    assert torch.equal(criterion.reached(some, rows), criterion.reached(now, torch.arange(6))[rows])


@pytest.mark.parametrize("threshold", [0.0, 1.0, float("nan")])
def test_a_threshold_lies_strictly_between_0_and_1(threshold: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        LeaveDecision(torch.zeros(1, 2), threshold)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        TargetClass(torch.zeros(1, dtype=torch.int64), threshold)


def test_the_gradient_lives_where_that_of_cross_entropy_is_dead() -> None:
    z = torch.tensor([[0.0, 40.0, -30.0]], requires_grad=True)
    (dead,) = torch.autograd.grad(cross_entropy(z, torch.tensor([1])), z)
    criterion = LeaveDecision(z.detach())
    (alive,) = torch.autograd.grad(criterion.loss(Outputs(z), torch.tensor([0])).sum(), z)
    assert dead.abs().max() < 1e-16
    assert alive[0].tolist() == pytest.approx([1, -1, 0], abs=1e-6)


class Well(torch.nn.Module):
    """Class 0 within a grey level of medium grey, class 1 beyond."""

    def forward(self, images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        z = 255 * (images - 0.5).abs().mean((1, 2, 3)) - 1
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))


@pytest.mark.parametrize("method", [Noise(), Square(queries=20), PGD(epsilon=0.1, alpha=0.05)])
@pytest.mark.parametrize("options", [{}, {"to_goal": True}, {"radii": (0.01, 0.1)}])
def test_what_holds_when_clean_is_reached_wherever_an_attack_leads(method, options) -> None:
    """Noise and stripes carry the image out of the well, where the decision is right."""
    model, x = Well().eval(), torch.full((3, 1, 8, 8), 0.5)
    x[2] = 0.7  # class 1 when clean, and as far as this attack goes
    for criterion in (TrueLabel(torch.tensor([1, 1, 1])), TargetClass(torch.tensor([0, 0, 0]))):
        result = method(model, x, criterion, stored=True, **options)
        assert result.reached[..., :2].all()
        assert not result.reached[..., 2].any()
        assert result.survived[..., :2].all()
        assert not result.failed.any()
        for images in result.images.reshape(-1, *x.shape):
            assert torch.equal(decision(model(images).logits), torch.tensor([0, 0, 1]))
