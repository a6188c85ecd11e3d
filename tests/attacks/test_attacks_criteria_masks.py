"""Goals of the mask and of both heads: by hand, against brute force, and what they do to a gradient."""

from math import log

import pytest
import torch
from torch.autograd import grad

from xaiaudit.attacks.criteria import CleanFacts, Joint, LeaveDecision, LowerDice, build
from xaiaudit.attacks.criteria.critical_logit import critical_logit, soft_dice_weights
from xaiaudit.errors import NumericalError, UsageError
from xaiaudit.functional import soft_dice
from xaiaudit.metrics.segmentation import dice
from xaiaudit.tensors import Outputs

ROW = torch.arange(1)
D = torch.float64


def masks(*pixels: float) -> torch.Tensor:
    """One image of one row of mask logits."""
    return torch.tensor(pixels, dtype=D).view(1, 1, 1, -1)


def out(mask: torch.Tensor, *logits: float) -> Outputs:
    return Outputs(torch.tensor([logits or (0.0, 1.0)], dtype=D).expand(len(mask), -1), mask)


def some_masks(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 1, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=D)


def test_the_distance_by_hand() -> None:
    """Lesion: 4, 2, 1; Dice falls to 1, 4/5 (1 turned), 2/3 (the 0.5 outside), 2/5 (2 turned) as pixels turn."""
    right = torch.tensor([[4.0, 2.0, 1.0, 1.5, 9.0]])
    lesion = torch.tensor([[True, True, True, False, False]])
    assert critical_logit(right, lesion, 0.9).tolist() == [1.0]  # 4/5
    assert critical_logit(right, lesion, 0.7).tolist() == [1.5]  # 2 * 2 / (3 + 3)
    assert critical_logit(right, lesion, 0.5).tolist() == [2.0]  # 2 * 1 / (2 + 3)
    assert critical_logit(right, lesion, 0.3).tolist() == [4.0]  # none of the lesion is left
    assert critical_logit(right - 2, lesion, 0.5).tolist() == [0.0]


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.9])
def test_moving_every_pixel_by_the_distance_is_just_enough_and_nothing_less_is(limit: float) -> None:
    clean, rows = some_masks(40), torch.arange(40)
    now = some_masks(40, 1) + torch.linspace(-4, 4, 40, dtype=D).view(-1, 1, 1, 1) * clean
    criterion = LowerDice(clean, limit=limit)
    distance = criterion.margins(out(now), rows)[:, 0]
    towards_wrong = torch.where(criterion.reference, -1.0, 1.0) * torch.ones_like(now)
    for slack, reached in ((1e-6, True), (-1e-6, False)):
        moved = now + (distance + slack).view(-1, 1, 1, 1) * towards_wrong
        assert bool((criterion.reached(out(moved), rows) == reached).all())
    step = (2 * torch.rand(40, 1, 6, 5, dtype=D) - 1) * distance.clamp(min=0).view(-1, 1, 1, 1) * 0.999
    standing = distance > 0
    assert not criterion.reached(out(now + step), rows)[standing].any()
    assert standing.any()
    assert not standing.all()


def test_reached_is_the_dice_of_the_metrics() -> None:
    clean, now = some_masks(50), some_masks(50, 1)
    scores = dice(now[:, 0].numpy() >= 0, clean[:, 0].numpy() >= 0)
    criterion = LowerDice(clean, limit=0.55)
    assert criterion.reached(out(now), torch.arange(50)).tolist() == (scores < 0.55).tolist()


def test_the_outline_takes_the_place_of_the_prediction() -> None:
    now = masks(3.0, 3.0, -3.0, -3.0)
    outline = torch.tensor([False, True, True, True]).view(1, 1, 1, 4)
    assert LowerDice(now, outline, limit=0.5).reached(out(now), ROW).tolist() == [True]  # 2 / 5, when clean
    assert LowerDice(now, outline, limit=0.4).reached(out(now), ROW).tolist() == [False]
    assert LowerDice(now, limit=0.5).reached(out(now), ROW).tolist() == [False]


def test_images_without_a_reference_have_no_goal() -> None:
    clean = torch.cat((masks(1.0, -1.0), masks(-1.0, -1.0)))
    criterion = LowerDice(clean)
    assert criterion.applicable.tolist() == [True, False]
    everything = out(torch.cat((masks(1.0, 1.0), masks(1.0, 1.0))))
    assert criterion.reached(everything, torch.arange(2)).tolist() == [False, False]
    outlines = torch.tensor([[True, False], [True, True]]).view(2, 1, 1, 2)
    known = torch.tensor([True, False])
    assert LowerDice(clean, outlines, known).applicable.tolist() == [True, False]
    assert LowerDice(clean, outlines).applicable.tolist() == [True, True]


def test_the_weights_are_the_gradient_of_soft_dice() -> None:
    z = some_masks(8).requires_grad_()
    reference = some_masks(8, 1) >= 0
    (slopes,) = grad(soft_dice(z.sigmoid(), reference).sum(), z)
    expected = slopes.abs().flatten(1)
    assert torch.allclose(
        soft_dice_weights(z.detach(), reference), expected / expected.sum(1, keepdim=True), atol=1e-12
    )
    assert torch.equal(slopes > 0, reference)  # raised inside, lowered outside


def test_the_margin_pulls_as_hard_as_the_distance_moves() -> None:
    """Along a common move of all pixels, the distance changes by as much: so does its gradient."""
    clean = some_masks(5)
    criterion = LowerDice(clean)
    z = clean.clone().requires_grad_()
    (slopes,) = grad(criterion.margins(out(z), torch.arange(5)).sum(), z)
    towards_wrong = torch.where(criterion.reference, -1.0, 1.0)
    assert torch.allclose((slopes * towards_wrong).sum((1, 2, 3)), torch.tensor(-1.0, dtype=D))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_the_scale_of_the_logits_does_not_matter(scale: float) -> None:
    clean, now = some_masks(4).float(), some_masks(4, 1).float()
    rows = torch.arange(4)
    plain, scaled = LowerDice(clean), LowerDice(scale * clean)
    assert torch.allclose(plain.loss(out(now), rows), scaled.loss(out(scale * now), rows), atol=1e-5)
    z = (scale * now).requires_grad_()
    (slopes,) = grad(scaled.loss(out(z), rows).sum(), z)
    assert bool((slopes != 0).all())  # no pixel is lost
    assert torch.allclose(
        scale * plain.margins(out(now), rows), scaled.margins(out(scale * now), rows), rtol=1e-4
    )


def test_soft_dice_of_the_logits_themselves_would_be_dead() -> None:
    """What the scale is for: all pixels of this mask are sure, and none would move."""
    clean = masks(60.0, 60.0, -120.0, -120.0).float().requires_grad_()
    (dead,) = grad(soft_dice(clean.sigmoid(), clean >= 0).sum(), clean)
    assert not dead.any()
    (alive,) = grad(LowerDice(clean.detach()).loss(out(clean), ROW).sum(), clean)
    assert bool((alive != 0).all())


def test_a_mask_that_is_not_finite_is_no_success() -> None:
    clean = masks(1.0, 1.0, -1.0)
    broken = masks(float("nan"), float("nan"), -1.0)
    assert LowerDice(clean).reached(out(broken), ROW).tolist() == [False]
    with pytest.raises(NumericalError, match="non-finite mask logits for 1 of 1 clean images"):
        LowerDice(broken)


def test_searching_in_half_precision_sums_in_full() -> None:
    clean = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    criterion = LowerDice(clean)
    half = out(clean.bfloat16())
    assert criterion.loss(half, ROW).dtype == torch.float32
    assert criterion.loss(half, ROW).item() == pytest.approx(criterion.loss(out(clean), ROW).item(), abs=1e-3)


def both(decision: tuple[float, float], *pixels: float) -> Joint:
    clean = masks(*pixels)
    return Joint(LeaveDecision(torch.tensor([decision], dtype=D)), LowerDice(clean))


def test_both_heads_by_hand() -> None:
    """Clean: decision leads by 4; mask of two pixels of 2, so a scale of 2 and a distance of 2 (one unit)."""
    joint = both((0.0, 4.0), 2.0, 2.0, -9.0)
    far = out(masks(2.0, 2.0, -9.0), 0.0, 4.0)
    assert joint.margins(far, ROW).item() == pytest.approx(1.0)
    assert joint.loss(far, ROW).item() == pytest.approx(-1 - log(2) / 4)
    left = out(masks(2.0, 2.0, -9.0), 0.0, -8.0)  # the decision alone
    assert joint.margins(left, ROW).item() == pytest.approx(1.0)
    assert joint.reached(left, ROW).tolist() == [False]
    damaged = out(masks(-1.0, -1.0, -9.0), 0.0, 4.0)  # the mask alone
    assert joint.reached(damaged, ROW).tolist() == [False]
    assert joint.margins(damaged, ROW).item() == pytest.approx(1.0)
    done = out(masks(-1.0, -1.0, -9.0), 0.0, -8.0)
    assert joint.reached(done, ROW).tolist() == [True]
    assert joint.margins(done, ROW).item() == pytest.approx(-0.5)


def pull(joint: Joint, lead: float, mask: torch.Tensor) -> float:
    """The decision's share in the gradient of the loss, both measured in their own units."""
    logits = torch.tensor([[0.0, lead]], dtype=D, requires_grad=True)
    z = mask.clone().requires_grad_()
    g, h = grad(joint.loss(Outputs(logits, z), ROW).sum(), (logits, z))
    decision = g[0, 1].abs() * joint.scale[0]
    return (decision / (decision + h.abs().sum() * joint.mask.scale[0])).item()


@pytest.mark.parametrize("strength", [1.0, 100.0])
def test_neither_head_drowns_the_other(strength: float) -> None:
    clean = masks(2.0, 2.0, -9.0)
    joint = both((0.0, 4.0 * strength), 2.0, 2.0, -9.0)
    assert pull(joint, 4.0 * strength, clean) == pytest.approx(0.5)
    assert pull(joint, -8.0 * strength, clean) < 1e-4  # it has left: the mask's turn
    assert pull(joint, 4.0 * strength, masks(-4.0, -4.0, -9.0)) > 0.9999


def test_a_decision_on_the_boundary_does_not_drown_the_mask() -> None:
    joint = both((0.0, 1e-6), 2.0, 2.0, -9.0)
    assert joint.scale.tolist() == [1.0]


def test_a_model_without_a_mask_head_is_refused_in_one_line() -> None:
    clean = CleanFacts(
        logits=torch.zeros(1, 2), threshold=0.5, classes=("a", "b"), labels=torch.zeros(1, dtype=torch.int64)
    )
    for name in ("lower-dice", "joint"):
        with pytest.raises(UsageError, match="no mask head") as caught:
            build(name, {}, clean)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no mask logits"):
        LowerDice(masks(1.0)).reached(Outputs(torch.zeros(1, 2)), ROW)
