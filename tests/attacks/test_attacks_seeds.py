"""Draws belong to an image; rounding to 8 bits is exact."""

import hashlib

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, linear
from scipy import stats

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.pgd import PGD, PGDL2
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.sweep import at
from xaiaudit.functional import decision
from xaiaudit.seeds import Draws, default_seeds, image_seed

HASH = hashlib.sha256(b"an image").hexdigest()


def test_a_seed_comes_from_the_image_and_the_seed_of_the_audit() -> None:
    # 63 bits of the SHA-256 of hash and seed; another number would give an old audit other draws
    assert image_seed(HASH, 0) == int(hashlib.sha256(f"{HASH}/0".encode()).hexdigest()[:16], 16) // 2
    seeds = {image_seed(HASH, s) for s in range(100)} | {image_seed(HASH[::-1], s) for s in range(100)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert np.mean([seed.bit_count() for seed in seeds]) == pytest.approx(31.5, abs=1.2)


def test_default_seeds_come_from_the_pixels_alone() -> None:
    x = torch.rand(3, 1, 4, 4)
    assert default_seeds(x) == default_seeds(x.double()) == default_seeds(x.flip(0))[::-1]
    assert len(set(default_seeds(x))) == 3
    assert default_seeds(torch.zeros(1, 1, 2, 8)) != default_seeds(torch.zeros(1, 1, 4, 4))


def test_draws_do_not_know_the_batch() -> None:
    like = torch.zeros(3, 1, 5, 5)
    whole = Draws([5, 6, 7], 0).uniform(like)
    assert torch.equal(Draws([6], 0).uniform(like[:1])[0], whole[1])
    assert torch.equal(Draws([7, 5], 0).uniform(like[:2].double())[1].float(), whole[0])
    assert not torch.equal(Draws([5, 6, 7], 1).uniform(like), whole)


def test_pgd_starts_uniformly_in_its_ball() -> None:
    x = torch.full((400, 1, 3, 3), 0.5)
    start = PGD(epsilon=0.2).start(Ball.around(x, None, "linf", at(x, 0.2)), Draws(range(400), 0)).x - x
    assert stats.kstest(start.flatten().numpy(), stats.uniform(-0.2, 0.4).cdf).pvalue > 0.01


def test_pgd_l2_starts_uniformly_in_its_ball_over_the_real_pixels() -> None:
    x = torch.full((600, 1, 3, 3), 0.5)
    valid = torch.ones(600, 1, 3, 3, dtype=torch.bool)
    valid[:, :, :2] = False  # three pixels are left
    start = PGDL2(epsilon=0.4).start(Ball.around(x, valid, "l2", at(x, 0.4)), Draws(range(600), 0)).x - x
    radius = start.flatten(1).norm(dim=1).numpy()
    assert stats.kstest((radius / 0.4) ** 3, "uniform").pvalue > 0.01
    direction = start[:, 0, 2, 0].numpy() / radius  # on a sphere, each coordinate is uniform
    assert stats.kstest(direction, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_the_8_bit_grid_is_met_bit_for_bit() -> None:
    grid = torch.from_numpy(np.arange(256, dtype=np.uint8).astype(np.float32) / 255).view(1, 1, 16, 16)
    assert torch.equal(quantise(grid), grid)
    assert torch.equal(quantise((grid + 0.4 / 255).clamp(0, 1)), grid)
    assert torch.equal(quantise((grid - 0.4 / 255).clamp(0, 1)), grid)
    assert quantise(grid.double()).dtype == torch.float64


def test_a_perturbation_below_half_a_grey_level_does_not_survive() -> None:
    weight = torch.ones(16)
    model: AsModel = linear(torch.stack((0 * weight, weight), 1), torch.tensor([0.0, -8.0]))
    x = torch.full((2, 1, 4, 4), 128 / 255)  # margin 16 * 128/255 - 8 = 0.0314 = 8 grey levels over 16 pixels
    x[1] = 133 / 255
    criterion = LeaveDecision(clean_logits(model, x))

    def left(images: torch.Tensor) -> list[bool]:
        return (decision(clean_logits(model, quantise(images))) != criterion.decision).tolist()

    small = IterativeFGSM(epsilon=0.502 / 255, steps=1)(model, x, criterion)
    assert small.reached.tolist() == [True, False]
    below = x + (small.images - x) * (0.498 / 0.502)
    assert left(small.images) == [True, False]
    assert left(below) == [False, False]
    large = IterativeFGSM(epsilon=6 / 255)(model, x, criterion)
    assert left(large.images) == [True, True]
