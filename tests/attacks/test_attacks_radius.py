"""Bisection for the smallest radius: on linear models by hand, then against the attack that it bisects."""

from itertools import pairwise

import pytest
import torch
from attack_nets import AsModel, clean_logits, linear, smooth_cnn, some_images

from xaiaudit.attacks.apgd import APGD
from xaiaudit.attacks.criteria import LeaveDecision, TargetClass
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.radius import FINE, SmallestRadius
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Outputs

MODEL = AsModel(smooth_cnn())
X = some_images(12, seed=21)
CRITERION = LeaveDecision(clean_logits(MODEL, X))
W = torch.tensor([0.5, -1.0, 2.0, -0.25, 0.0, 1.5])  # ||w||_1 = 5.25


def binary(bias: float) -> AsModel:
    return linear(torch.stack((torch.zeros(6), W), 1), torch.tensor([0.0, bias]))


@pytest.mark.parametrize("inner", ["apgd", "pgd"])
@pytest.mark.parametrize("margin", [0.003, 0.02, 0.1, 0.5])
def test_on_a_linear_model_it_is_the_margin_over_the_l1_norm(inner: str, margin: float) -> None:
    x = torch.full((1, 1, 2, 3), 0.5)
    model = binary(margin - 1.375)  # w.x = 1.375
    result = SmallestRadius(inner=inner, tolerance=0.02)(model, x, LeaveDecision(clean_logits(model, x)))
    exact = margin / 5.25
    assert result.reached.item()
    assert exact * (1 - 1e-4) <= result.distance.item() <= max(exact * 1.02, exact + FINE) + 1e-6


def test_what_lies_beyond_the_largest_radius_is_not_reached() -> None:
    x = torch.full((1, 1, 2, 3), 0.5)
    model = binary(0.6 - 1.375)  # needs 0.114
    criterion = LeaveDecision(clean_logits(model, x))
    result = SmallestRadius()(model, x, criterion)
    assert not result.reached.item()
    assert not result.failed.item()
    assert result.distance.item() <= 0.1 + 1e-6
    assert SmallestRadius(largest=0.2)(model, x, criterion).reached.item()


def test_an_image_that_is_there_already_needs_no_radius() -> None:
    x = torch.full((1, 1, 2, 3), 0.5)
    model = binary(0.0)
    result = SmallestRadius()(model, x, TargetClass(torch.tensor([1])))
    assert result.reached.item()
    assert result.distance.item() == 0
    assert torch.equal(result.images, x)


def test_no_gradient_is_a_failure_not_robustness() -> None:
    model = linear(torch.zeros(6, 2), torch.tensor([0.0, 1.0]))
    x = torch.full((2, 1, 2, 3), 0.5)
    result = SmallestRadius()(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.failed.all()
    assert not result.reached.any()


def test_the_attack_succeeds_at_the_radius_and_not_well_below() -> None:
    result = SmallestRadius(steps=30)(MODEL, X, CRITERION, seeds=range(12))
    assert result.reached.all()
    assert result.distance.max() > 2 * result.distance.min()
    for row in range(12):
        one, criterion = X[row : row + 1], LeaveDecision(CRITERION.clean[row : row + 1])
        radius = result.distance[row].item()
        found = APGD(epsilon=radius * 1.001, steps=30)(MODEL, one, criterion, seeds=[row], to_goal=True)
        assert found.reached.item()
        below = min(radius / 1.06, radius - 1.5 * FINE)
        missed = APGD(epsilon=below, steps=30)(MODEL, one, criterion, seeds=[row], to_goal=True)
        assert not missed.reached.item()


def test_it_is_no_longer_than_deepfool() -> None:
    ours, deepfool = SmallestRadius()(MODEL, X, CRITERION), DeepFool(norm="linf")(MODEL, X, CRITERION)
    assert (ours.distance <= deepfool.distance * 1.05).all()


def test_a_finer_tolerance_costs_more_and_finds_no_more() -> None:
    coarse, fine = (SmallestRadius(tolerance=t)(MODEL, X, CRITERION) for t in (0.5, 0.02))
    assert (fine.distance <= coarse.distance * 1.02).all()
    assert fine.backwards.sum() > coarse.backwards.sum()


def test_radii_are_served_by_one_search() -> None:
    free = SmallestRadius(steps=20)(MODEL, X, CRITERION, stored=True)
    radii = (0.1, free.distance.median().item(), 1e-5)
    result = SmallestRadius(steps=20)(MODEL, X, CRITERION, radii=radii, stored=True)
    inside = free.distance <= radii[1]
    assert result.reached.tolist() == [[True] * 12, inside.tolist(), [False] * 12]
    assert torch.equal(result.forwards.sum(0), free.forwards)
    assert torch.equal(result.survived[0], free.survived)
    for larger, smaller in pairwise(range(3)):
        assert (result.reached[larger] | ~result.reached[smaller]).all()


def test_images_to_which_the_goal_does_not_apply_cost_nothing() -> None:
    class Second(LeaveDecision):
        applicable = torch.tensor([False, True, False])

    criterion = Second(CRITERION.clean[:3])
    result = SmallestRadius(steps=10)(MODEL, X[:3], criterion)
    assert result.reached.tolist() == [False, True, False]
    assert torch.equal(result.images[0], X[0])
    assert result.forwards[0] == result.backwards[0] == 0


def test_it_goes_on_from_a_wrong_guess() -> None:
    class Steep(torch.nn.Module):
        """The slope at the clean image promises the boundary at 0.5 or at 0.00005; it lies at 0.0371."""

        def __init__(self, slope: float) -> None:
            super().__init__()
            self.slope = slope

        def forward(self, images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
            u = (images - 0.5).mean((1, 2, 3))
            z = 0.001 - self.slope * u.clamp(-1e-6, 1e-6) - 1e-6 * u - torch.where(u > 0.0371, 1.0, 0.0)
            return Outputs(torch.stack((torch.zeros_like(z), z), 1))

    x = torch.full((1, 1, 3, 3), 0.5)
    for slope in (0.002, 20.0):
        model = Steep(slope).eval()
        result = SmallestRadius()(model, x, LeaveDecision(clean_logits(model, x)))
        assert result.reached.item()
        assert 0.0371 < result.distance.item() < 0.0371 * 1.05


def test_it_says_what_it_does() -> None:
    assert SmallestRadius().describe() == (
        "bisection for the smallest L∞ radius, up to 25.5 grey levels, to 5%, by apgd with 40 steps at each radius"
    )
    with pytest.raises(UsageError, match=r"tolerance must lie in \(0, 1\], got 0"):
        SmallestRadius(tolerance=0.0)
    with pytest.raises(UsageError, match="largest of 25 is more than the whole intensity range"):
        SmallestRadius(largest=25.0)
