"""Noise of equal norm."""

import pytest
import torch
from attack_nets import AsModel, clean_logits, linear, smooth_cnn, some_images

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.noise import Noise
from xaiaudit.attacks.pgd import PGD
from xaiaudit.errors import UsageError

MODEL = AsModel(smooth_cnn()).float()
X = some_images(24, seed=21).float()
CRITERION = LeaveDecision(clean_logits(MODEL, X))


def test_each_pixel_goes_the_whole_radius_up_or_down() -> None:
    x = X.clamp(0.2, 0.8)
    delta = Noise(epsilon=0.1)(MODEL, x, LeaveDecision(clean_logits(MODEL, x))).images - x
    assert torch.allclose(delta.abs(), torch.tensor(0.1), atol=1e-6)
    assert 0.45 < (delta > 0).double().mean() < 0.55
    assert not torch.equal(delta[0], delta[1])


def test_in_l2_a_direction_has_the_length_of_the_radius() -> None:
    x = X.clamp(0.2, 0.8)
    valid = torch.ones(24, 1, 12, 12, dtype=torch.bool)
    valid[:, :, :4] = False
    result = Noise(norm="l2", epsilon=0.5)(MODEL, x, LeaveDecision(clean_logits(MODEL, x)), valid=valid)
    assert torch.allclose(result.distance, torch.tensor(0.5).double(), atol=1e-6)
    assert torch.equal(result.images[:, :, :4], x[:, :, :4])
    per_pixel = (result.images - x)[:, :, 4:].pow(2).mean((1, 2, 3)).sqrt()
    assert torch.allclose(per_pixel, torch.tensor(0.5 / 96**0.5), atol=1e-6)


def test_one_forward_a_draw_until_the_first_success() -> None:
    result = Noise(epsilon=0.2, restarts=7)(MODEL, X, CRITERION)
    assert not result.backwards.any()
    assert result.forwards[~result.reached].eq(7).all()
    assert result.forwards[result.reached].lt(7).any()
    assert 0 < result.reached.sum() < 24
    assert not result.failed.any()  # no gradient is no failure of an attack that asks for none


def test_a_draw_that_reaches_nothing_keeps_the_highest_loss() -> None:
    one, ten = (Noise(epsilon=0.005, restarts=r)(MODEL, X, CRITERION) for r in (1, 10))
    rows, kept = torch.arange(24), ~ten.reached
    losses = [
        CRITERION.loss(type(MODEL).forward(MODEL, result.images), rows)[kept].detach()
        for result in (one, ten)
    ]
    assert (losses[1] >= losses[0] - 1e-6).all()
    assert (losses[1] > losses[0]).sum() > 10


def test_gradients_beat_noise_of_the_same_norm() -> None:
    noise, pgd = (attack(MODEL, X, CRITERION) for attack in (Noise(restarts=40), PGD()))
    assert (pgd.reached | ~noise.reached).all()
    assert pgd.reached.sum() > noise.reached.sum()


def test_logits_that_are_not_finite_are_a_failure() -> None:
    broken = linear(torch.full((144, 2), torch.nan), torch.zeros(2))
    assert Noise()(broken, X, CRITERION).failed.all()


def test_it_says_what_it_is() -> None:
    assert Noise().describe() == (
        "random noise: L∞ radius 8 grey levels (0.03137 of full scale), each pixel up or down by the radius, "
        "best of 10 draws, no gradients"
    )
    assert "L2 radius" in Noise(norm="l2", epsilon=1.0, restarts=1).describe()
    assert "one random direction, one draw" in Noise(norm="l2", epsilon=1.0, restarts=1).describe()
    with pytest.raises(UsageError, match="restarts must be a whole number of at least 1"):
        Noise(restarts=0)
