"""Attacks on linear models, where every result is known by hand."""

import pytest
import torch
from attack_nets import AsModel, Linear, clean_logits, linear
from torch import Tensor

from xaiaudit.attacks.criteria import LeaveDecision, TargetClass
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM, SingleStepFGSM, ThesisFGSM
from xaiaudit.attacks.pgd import PGD, PGDL2
from xaiaudit.functional import logit, margin

W = torch.tensor([0.5, -1.0, 2.0, -0.25, 0.0, 1.5])  # ||w||_1 = 5.25, ||w||_2^2 = 7.5625
SHAPE = (1, 1, 2, 3)


def binary(bias: float = 0.3, weight: Tensor = W) -> AsModel:
    """margin = w.x + bias."""
    return linear(torch.stack((torch.zeros_like(weight), weight), 1), torch.tensor([0.0, bias]))


def grey(value: float = 0.5, n: int = 1) -> Tensor:
    return torch.full((n, *SHAPE[1:]), value)


def margin_of(model: AsModel, images: Tensor, threshold: float = 0.5) -> Tensor:
    return margin(clean_logits(model, images), threshold)


@pytest.mark.parametrize("attack", [IterativeFGSM(), SingleStepFGSM(), PGD(epsilon=0.1)])
def test_linf_attacks_lower_a_linear_margin_by_epsilon_times_the_l1_norm(attack) -> None:
    model, x = binary(), grey()
    result = attack(model, x, LeaveDecision(clean_logits(model, x)))
    assert (margin_of(model, x) - margin_of(model, result.images)).item() == pytest.approx(0.525, abs=1e-5)
    moving = W != 0  # sign(0) = 0
    assert torch.allclose((result.images - x).flatten()[moving], -0.1 * W[moving].sign(), atol=1e-6)
    assert result.distance.item() == pytest.approx(0.1, abs=1e-6)


def test_fgsm_leaves_a_pixel_without_gradient_alone() -> None:
    model, x = binary(), grey()
    result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.images.flatten()[4] == 0.5


def test_fgsm_raises_the_margin_of_class_0() -> None:
    model, x = binary(bias=-1.5), grey()
    result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert (margin_of(model, result.images) - margin_of(model, x)).item() == pytest.approx(0.525, abs=1e-5)
    assert result.reached.item() is True


def test_fgsm_stops_at_the_box() -> None:
    """At 0.97, pixels that should rise gain 0.03 only: 0.1 * (0.5 + 2 + 1.5) + 0.03 * (1 + 0.25) = 0.4375."""
    model, x = binary(), grey(0.97)
    result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert (margin_of(model, x) - margin_of(model, result.images)).item() == pytest.approx(0.4375, abs=1e-5)
    assert result.images.max() == 1.0


def test_fgsm_thesis_moves_every_pixel_by_two_and_a_half_grey_levels() -> None:
    weight = W.clone()
    weight[4] = -3
    model, x = binary(weight=weight), grey()
    result = ThesisFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert torch.allclose((result.images - x).abs(), torch.tensor(2.5 / 255), atol=1e-6)
    assert (result.forwards.item(), result.backwards.item()) == (26, 25)


def test_a_short_step_size_does_not_reach_the_radius() -> None:
    model, x = binary(), grey()
    result = IterativeFGSM(alpha=0.001)(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.distance.item() == pytest.approx(0.025, abs=1e-6)


def test_pgd_l2_ends_on_the_sphere_along_the_weights() -> None:
    model, x = binary(), grey()
    # each step of the radius' length halves what the random start put across the weights
    result = PGDL2(epsilon=0.2, alpha=0.2)(model, x, LeaveDecision(clean_logits(model, x)))
    assert torch.allclose((x - result.images).flatten(), 0.2 * W / W.norm(), atol=1e-4)
    assert result.distance.item() == pytest.approx(0.2, abs=1e-6)


def test_deepfool_takes_one_step_onto_the_plane_and_two_percent_beyond() -> None:
    model, x = binary(bias=0.1), grey()
    z = margin_of(model, x).item()
    result = DeepFool()(model, x, LeaveDecision(clean_logits(model, x)))
    assert torch.allclose((result.images - x).flatten(), -1.02 * z * W / 7.5625, atol=1e-6)
    assert result.distance.item() == pytest.approx(1.02 * z / 2.75, abs=1e-6)
    assert margin_of(model, result.images).item() == pytest.approx(-0.02 * z, abs=1e-5)
    assert result.reached.item() is True
    # the step, the look that sees the goal, and the judging forward
    assert (result.forwards.item(), result.backwards.item()) == (3, 1)


def test_deepfool_linf_moves_every_pixel_alike() -> None:
    model, x = binary(bias=0.1), grey()
    z = margin_of(model, x).item()
    result = DeepFool(norm="linf")(model, x, LeaveDecision(clean_logits(model, x)))
    assert torch.allclose((result.images - x).flatten(), -1.02 * z * W.sign() / 5.25, atol=1e-6)
    assert result.distance.item() == pytest.approx(1.02 * z / 5.25, abs=1e-6)


def test_the_valid_mask_confines_every_closed_form() -> None:
    """Without the third and the sixth pixel, ||w||_1 = 1.75 and ||w||_2^2 = 1.3125."""
    model, x = binary(bias=-1.2), grey()  # margin 0.175
    valid = torch.tensor([1, 1, 0, 1, 1, 0], dtype=torch.bool).view(SHAPE)
    criterion = LeaveDecision(clean_logits(model, x))
    fgsm = IterativeFGSM()(model, x, criterion, valid=valid)
    assert margin_of(model, fgsm.images).item() == pytest.approx(0.175 - 0.175, abs=1e-5)
    deepfool = DeepFool()(model, x, criterion, valid=valid)
    expected = torch.where(valid.flatten(), -1.02 * 0.175 * W / 1.3125, 0)
    assert torch.allclose((deepfool.images - x).flatten(), expected, atol=1e-6)
    linf = DeepFool(norm="linf")(model, x, criterion, valid=valid)
    assert linf.distance.item() == pytest.approx(1.02 * 0.175 / 1.75, abs=1e-6)


@pytest.mark.parametrize("threshold", [0.2, 0.9])
def test_deepfool_crosses_the_operating_threshold_and_not_one_half(threshold: float) -> None:
    model, x = binary(bias=0.1 + logit(threshold)), grey()
    z = margin_of(model, x, threshold).item()
    assert z == pytest.approx(1.475, abs=1e-5)
    result = DeepFool()(model, x, LeaveDecision(clean_logits(model, x), threshold))
    assert torch.allclose((result.images - x).flatten(), -1.02 * z * W / 7.5625, atol=1e-5)
    assert margin_of(model, result.images, threshold).item() == pytest.approx(-0.02 * z, abs=1e-5)
    assert result.reached.item() is True


@pytest.mark.parametrize(
    "attack", [IterativeFGSM(), PGD(), PGDL2(epsilon=0.3), DeepFool(), DeepFool(norm="linf")]
)
def test_one_logit_and_two_logits_are_attacked_alike(attack) -> None:
    x = torch.rand(3, *SHAPE[1:], generator=torch.Generator().manual_seed(1))
    one = AsModel(Linear(W[:, None], torch.tensor([-1.0])))
    two = binary(bias=-1.0)
    a = attack(one, x, LeaveDecision(clean_logits(one, x)))
    b = attack(two, x, LeaveDecision(clean_logits(two, x)))
    assert torch.allclose(a.images, b.images, rtol=0, atol=1e-6)  # two matrices, which processors round apart
    assert torch.equal(a.reached, b.reached)


def test_deepfool_goes_to_the_nearest_of_several_planes() -> None:
    """Class 0 leads class 1 by 0.2 with ||w||_2 = 0.5, class 2 by 0.6 with ||w||_2 = 3: class 2 is nearer."""
    weight = torch.zeros(6, 3)
    weight[0, 1], weight[1, 2] = 0.5, 3.0
    x = grey()
    model = linear(weight, torch.tensor([2.0, 2.0 - 0.2 - 0.25, 2.0 - 0.6 - 1.5]))
    result = DeepFool()(model, x, LeaveDecision(clean_logits(model, x)))
    expected = torch.zeros(6)
    expected[1] = 1.02 * 0.2
    assert torch.allclose((result.images - x).flatten(), expected, atol=1e-5)
    assert clean_logits(model, result.images).argmax(1).item() == 2
    assert result.backwards.item() == 2  # two hyperplanes at the first look; at the second the image leaves


def test_deepfool_passes_over_a_class_that_cannot_be_told_apart() -> None:
    """Class 2 has the logits of class 0: margin 0, gradient 0, and 0 / 0 is no distance."""
    weight = torch.stack((torch.zeros(6), W, torch.zeros(6)), 1)
    x = grey()
    model = linear(weight, torch.tensor([0.0, -1.5, 0.0]))
    result = DeepFool()(model, x, LeaveDecision(clean_logits(model, x)))
    assert clean_logits(model, result.images).argmax(1).item() == 1
    assert result.distance.item() == pytest.approx(1.02 * 0.125 / 2.75, abs=1e-5)


def test_a_target_class_is_reached_though_another_is_nearer() -> None:
    weight = torch.zeros(6, 3)
    weight[0, 1], weight[1, 2] = 0.5, 3.0
    x = grey()
    model = linear(weight, torch.tensor([2.0, 2.0 - 0.2 - 0.25, 2.0 - 0.6 - 1.5]))
    result = DeepFool()(model, x, TargetClass(torch.tensor([1])))
    assert clean_logits(model, result.images).argmax(1).item() == 1
    assert result.distance.item() == pytest.approx(1.02 * 0.2 / 0.5, abs=1e-5)
    assert IterativeFGSM(epsilon=0.5)(model, x, TargetClass(torch.tensor([1]))).reached.item() is True


def test_a_target_that_is_the_decision_already_costs_nothing_to_reach() -> None:
    model, x = binary(), grey()
    result = IterativeFGSM()(model, x, TargetClass(torch.tensor([1])), to_goal=True)
    assert result.reached.item() is True
    assert result.distance.item() == 0


@pytest.mark.parametrize("attack", [IterativeFGSM(), SingleStepFGSM(), PGD(epsilon=0.1), DeepFool()])
@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_saturated_models_flip_all_the_same(attack, side: float, classes: int) -> None:
    """Margins of 40: the gradient of float32 cross-entropy is zero here on one side, ours is not."""
    weight = torch.stack((torch.zeros(6), 200 * W, torch.zeros(6)), 1)[:, :classes]
    bias = torch.tensor([0.0, 40 * side - 100 * W.sum(), -1000.0])[:classes]
    model, x = linear(weight, bias), grey()
    clean = clean_logits(model, x)
    assert (clean[0, 1] - clean[0, 0]).item() == pytest.approx(40 * side, abs=1e-3)
    assert attack(model, x, LeaveDecision(clean)).reached.item() is True


@pytest.mark.parametrize("attack", [DeepFool(), DeepFool(norm="linf"), IterativeFGSM()])
def test_an_image_on_the_boundary_leaves_it(attack) -> None:
    """A margin of exactly 0 is class 1; a DeepFool step of length |z| / ||g|| = 0 would never leave it."""
    model, x = binary(bias=-1.375), grey()
    assert margin_of(model, x).item() == 0
    result = attack(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.reached.item() is True
    assert margin_of(model, result.images).item() < 0
