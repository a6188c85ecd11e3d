"""Several radii in one call, restarts, and what they cost."""

from itertools import pairwise

import pytest
import torch
from attack_nets import AsModel, Pit, clean_logits, goal, moves_maps, smooth_cnn, some_images

from xaiaudit.attacks.criteria import LeaveDecision, TrueLabel
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM, ThesisFGSM
from xaiaudit.attacks.pgd import PGD
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.registry import ATTACKS, attack, attack_class
from xaiaudit.attacks.tally import Tally, Verdict
from xaiaudit.errors import UsageError
from xaiaudit.functional import decision
from xaiaudit.tensors import Outputs

MODEL = AsModel(smooth_cnn()).float()
X = some_images(8, seed=21).float()
CRITERION = LeaveDecision(clean_logits(MODEL, X))
RADII = (4 / 255, 0.5 / 255, 0.1, 1 / 255)  # in no order
L2_RADII = (0.3, 0.02, 2.0, 0.1)
WIDE_RADII = (0.3, 0.05, 0.5, 0.2)  # what maps of this network ask for
SWEEPERS = [name for name in ATTACKS if attack(name).supports_radii and attack(name).epsilon is not None]


def radii_of(name: str) -> tuple[float, ...]:
    if moves_maps(name):
        return WIDE_RADII
    return RADII if attack(name).norm == "linf" else L2_RADII


def at_defaults(name: str, **more: object):
    """The attack, shortened where its defaults would take long."""
    few = {
        "apgd": {"steps": 25},
        "fab": {"steps": 12},
        "square": {"queries": 60},
        "worst": {"attacks": ("apgd", "fab")},
        "map-shift": {"steps": 25},
    }
    return attack(name, **few.get(name, {}), **more)


@pytest.mark.parametrize("name", [name for name in SWEEPERS if name != "worst"])  # it always runs to the goal
def test_each_radius_is_a_run_of_its_own(name: str) -> None:
    criterion = goal(name, MODEL, X)
    result = at_defaults(name)(MODEL, X, criterion, radii=radii_of(name))
    assert result.images.shape == (4, *X.shape)
    for i, radius in enumerate(radii_of(name)):
        alone = at_defaults(name, epsilon=radius)(MODEL, X, criterion)
        assert torch.equal(result.images[i], alone.images)
        assert torch.equal(result.reached[i], alone.reached)
        if attack_class(name).minimal:  # one search, booked once
            assert torch.equal(result.forwards.sum(0), alone.forwards)
        else:
            # the clean maps are looked at once
            shared = int(moves_maps(name) and radius != min(radii_of(name)))
            assert torch.equal(result.forwards[i], alone.forwards - shared)


@pytest.mark.parametrize("name", SWEEPERS)
def test_to_the_goal_a_larger_radius_keeps_the_smaller_witness(name: str) -> None:
    radii = radii_of(name)
    result = at_defaults(name)(MODEL, X, goal(name, MODEL, X), radii=radii, to_goal=True)
    ascending = sorted(range(4), key=radii.__getitem__)
    assert result.reached[ascending[1]].any()
    for small, large in pairwise(ascending):
        broken = result.reached[small]
        assert result.reached[large][broken].all()
        if result.broken_by is not None:  # an earlier member keeps the larger radii that it reached
            broken = broken & (result.broken_by[large] == result.broken_by[small])
            assert broken.any() or not result.reached[small].any()
        assert torch.equal(result.images[large][broken], result.images[small][broken])
        assert (result.distance[large] <= radii[large] + 1e-6).all()


@pytest.mark.parametrize("name", SWEEPERS)
def test_to_the_goal_finds_at_each_radius_what_a_run_at_it_alone_finds(name: str) -> None:
    radii = radii_of(name)
    criterion = goal(name, MODEL, X)
    swept = at_defaults(name)(MODEL, X, criterion, radii=radii, to_goal=True)
    for i, radius in enumerate(radii):
        alone = at_defaults(name, epsilon=radius)(MODEL, X, criterion, to_goal=True)
        assert torch.equal(swept.reached[i], alone.reached)


def test_an_image_costs_one_run_that_fails_and_what_succeeds() -> None:
    radii = tuple(level / 255 for level in (0.1, 0.25, 0.5, 1, 2, 4, 8, 25.5))
    swept = IterativeFGSM(steps=10)(MODEL, X, CRITERION, radii=radii, to_goal=True)
    first = swept.reached.int().argmax(0)
    assert swept.reached[-1].all()
    assert len(set(first.tolist())) > 2  # the images differ
    # a full run is 10 backwards and the first look is 1; a run that succeeds takes at most 10
    assert (swept.backwards.sum(0) <= 1 + 10 + 10 + 10 * (first == 0)).float().mean() > 0.7
    everything = IterativeFGSM(steps=10)(MODEL, X, CRITERION, radii=radii)
    assert swept.backwards.sum() < 0.35 * everything.backwards.sum()


def test_what_survives_rounding_is_searched_on_its_own() -> None:
    radii = tuple(level / 255 for level in (0.1, 0.25, 0.5, 1, 2, 4, 8, 25.5))
    swept = IterativeFGSM(steps=10)(MODEL, X, CRITERION, radii=radii, to_goal=True, stored=True)
    assert not swept.survived[:2].any()  # under half a grey level rounding gives the clean image back
    assert torch.equal(swept.stored[0], quantise(X))
    assert swept.survived[-1].all()
    for place, radius in enumerate(radii):
        assert torch.equal(swept.stored[place], quantise(swept.stored[place]))
        wrong = decision(clean_logits(MODEL, swept.stored[place])) != CRITERION.decision
        assert torch.equal(wrong, swept.survived[place])
        assert (swept.stored[place] - X).abs().max() <= radius + 0.5 / 255 + 1e-6
        if place:
            assert (swept.survived[place] | ~swept.survived[place - 1]).all()
        if radius >= 0.5 / 255:
            alone = IterativeFGSM(epsilon=radius, steps=10)(MODEL, X, CRITERION, stored=True)
            assert (swept.survived[place] | ~alone.survived).all()


def test_nothing_is_called_robust_at_a_small_radius_because_a_large_one_failed() -> None:
    """On the hill a step of the whole large radius overshoots, so that only small radii succeed."""
    model, x = Pit().eval(), torch.full((1, 1, 3, 3), 0.5)
    criterion = LeaveDecision(clean_logits(model, x))
    method = IterativeFGSM(steps=1)
    assert not method(model, x, criterion, radii=(0.3,), to_goal=True).reached.any()
    swept = method(model, x, criterion, radii=(0.02, 0.05, 0.3), to_goal=True)
    assert swept.reached[:, 0].tolist() == [False, True, True]


class Holes(torch.nn.Module):
    """Two narrow holes on the way, a third of a grey level and three grey levels up; else the margin falls slowly."""

    def forward(self, images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        up = 255 * images.mean((1, 2, 3)) - 128
        hole = ((up - 0.33).abs() < 0.01) | ((up - 3).abs() < 0.1)
        z = 3.2 - up - torch.where(hole, 10.0, 0.0)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))


def test_a_witness_is_not_lost_where_a_later_run_at_its_radius_fails() -> None:
    """At 3.3 grey levels the first step falls into the near hole; at one, looking for what survives, none does."""
    model, x = Holes().eval(), torch.full((1, 1, 3, 3), 128 / 255)
    criterion = LeaveDecision(clean_logits(model, x))
    radii = (1 / 255, 3.3 / 255)
    swept = IterativeFGSM(steps=10)(model, x, criterion, radii=radii, to_goal=True, stored=True)
    assert swept.forwards[0].item() > 10  # it was tried
    assert swept.reached[:, 0].tolist() == [True, True]
    assert swept.survived[:, 0].tolist() == [False, True]
    for images in swept.images:
        assert (decision(clean_logits(model, images)) != criterion.decision).all()
    assert swept.distance[:, 0].tolist() == pytest.approx([0.33 / 255] * 2, abs=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_survives_lies_in_the_ball_but_for_rounding(norm: str) -> None:
    """DeepFool goes on until something survives, if need be far beyond its first success."""
    x = some_images(40, seed=21).float()
    criterion = LeaveDecision(clean_logits(MODEL, x))
    grid = (0.25 / 255, 0.5 / 255, 1 / 255, 8 / 255) if norm == "linf" else (0.001, 0.01, 0.1, 1.0)
    result = DeepFool(norm=norm)(MODEL, x, criterion, radii=grid, stored=True)
    order = float("inf") if norm == "linf" else 2
    for place, radius in enumerate(grid):
        there = result.survived[place]
        length = (result.stored[place] - x).double().flatten(1).norm(order, dim=1)
        slack = 0.5 / 255 * (1 if norm == "linf" else 12)
        assert (length[there] <= radius + slack + 1e-6).all()
        left = decision(clean_logits(MODEL, result.stored[place])) != criterion.decision
        assert left[there].all()
    assert result.survived[-1].any()


def test_what_is_stored_is_on_the_grid_where_the_criterion_asks_for_nothing() -> None:
    x = X + 0.3 / 255 * (X < 0.5)
    criterion = TrueLabel(torch.tensor([-1, 0, 1, 0, 1, 0, 1, -1]))
    result = IterativeFGSM(epsilon=0.01)(MODEL, x, criterion, stored=True)
    assert torch.equal(result.stored, quantise(result.stored))


def test_the_step_size_follows_the_radius_unless_it_is_given() -> None:
    x, criterion = X[:1], LeaveDecision(CRITERION.clean[:1])
    free = IterativeFGSM(steps=2)(MODEL, x, criterion, radii=(0.01, 0.02))
    assert free.distance.tolist() == [[pytest.approx(0.01, abs=1e-6)], [pytest.approx(0.02, abs=1e-6)]]
    fixed = IterativeFGSM(steps=2, alpha=0.004)(MODEL, x, criterion, radii=(0.005, 0.02))
    assert fixed.distance.tolist() == [[pytest.approx(0.005, abs=1e-6)], [pytest.approx(0.008, abs=1e-6)]]


def test_a_minimum_norm_attack_counts_where_it_lies_in_the_ball() -> None:
    free = DeepFool()(MODEL, X, CRITERION)
    assert free.reached.all()
    middle = free.distance.median().item()
    result = DeepFool()(MODEL, X, CRITERION, radii=(10.0, middle, 1e-6))
    inside = free.distance <= middle
    assert 0 < inside.sum() < 8
    assert result.reached.tolist() == [[True] * 8, inside.tolist(), [False] * 8]
    assert torch.equal(result.images[0], free.images)
    assert torch.equal(result.images[1][inside], free.images[inside])
    assert torch.equal(result.images[1][~inside], X[~inside])
    assert (result.distance[1] <= middle).all()
    assert torch.equal(result.forwards.sum(0), free.forwards)  # one search, booked once


def test_a_fixed_radius_refuses_others() -> None:
    assert ThesisFGSM().supports_radii is False
    with pytest.raises(UsageError, match="fgsm-thesis is fixed"):
        ThesisFGSM()(MODEL, X, CRITERION, radii=(0.1,))


class Hill(torch.nn.Module):
    """Clean images stand on top of a hill; down its right side the decision changes, down its left never."""

    def forward(self, images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        u = (images - 0.5).mean((1, 2, 3))
        z = 1 - 100 * u**2 - torch.where(u > 0, u, 0)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))


def test_restarts_go_on_with_those_not_reached() -> None:
    model, x = Hill().eval(), torch.full((24, 1, 3, 3), 0.5)
    criterion = LeaveDecision(clean_logits(model, x))
    one, more = (
        PGD(epsilon=0.0985, steps=10, restarts=r)(model, x, criterion, seeds=range(24)) for r in (1, 4)
    )
    assert 4 < one.reached.sum() < 20
    assert one.reached.sum() < more.reached.sum()
    assert torch.equal(more.images[one.reached], one.images[one.reached])
    assert (more.forwards[one.reached] == 11).all()
    assert (more.forwards[~more.reached] == 4 * 11).all()
    rows = torch.arange(24)
    gain = criterion.loss(model(more.images), rows) - criterion.loss(model(one.images), rows)
    assert (gain >= 0).all()
    assert not more.failed.any()
    for i in range(24):  # a restart draws for the image, not for its place among those left
        alone = PGD(epsilon=0.0985, steps=10, restarts=4)(
            model, x[i : i + 1], LeaveDecision(criterion.clean[i : i + 1]), seeds=[i]
        )
        assert alone.forwards.item() == more.forwards[i].item()


def test_the_books_keep_the_first_success_else_the_highest_loss() -> None:
    x0 = torch.zeros(4, 1, 1, 1)
    tally, rows, yes, no = Tally(x0, None), torch.arange(4), torch.ones(4).bool(), torch.zeros(4).bool()
    first, second = torch.tensor([False, False, True, False]), torch.tensor([False, False, True, True])
    tally.offer(rows, x0 + 0.1, Verdict(first, torch.tensor([5.0, 1.0, 3.0, 9.0]), yes), no)
    tally.offer(rows, x0 + 0.2, Verdict(second, torch.tensor([2.0, 4.0, 8.0, 7.0]), yes), no)
    result = tally.result("linf")
    assert result.images.flatten().tolist() == pytest.approx([0.1, 0.2, 0.1, 0.2])
    assert result.reached.tolist() == [False, False, True, True]
