"""Several radii in one call, restarts, and what they cost."""

from itertools import pairwise

import pytest
import torch
from attack_nets import AsModel, clean_logits, smooth_cnn, some_images

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM, ThesisFGSM
from xaiaudit.attacks.pgd import PGD
from xaiaudit.attacks.registry import ATTACKS, attack
from xaiaudit.attacks.tally import Tally, Verdict
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Outputs

MODEL = AsModel(smooth_cnn()).float()
X = some_images(8, seed=21).float()
CRITERION = LeaveDecision(clean_logits(MODEL, X))
RADII = (4 / 255, 0.5 / 255, 0.1, 1 / 255)  # in no order
L2_RADII = (0.3, 0.02, 2.0, 0.1)
SWEEPERS = [name for name in ATTACKS if attack(name).supports_radii and attack(name).epsilon is not None]


def radii_of(name: str) -> tuple[float, ...]:
    return RADII if attack(name).norm == "linf" else L2_RADII


@pytest.mark.parametrize("name", SWEEPERS)
def test_each_radius_is_a_run_of_its_own(name: str) -> None:
    result = attack(name)(MODEL, X, CRITERION, radii=radii_of(name))
    assert result.images.shape == (4, *X.shape)
    for i, radius in enumerate(radii_of(name)):
        alone = attack(name, epsilon=radius)(MODEL, X, CRITERION)
        assert torch.equal(result.images[i], alone.images)
        assert torch.equal(result.reached[i], alone.reached)
        assert torch.equal(result.forwards[i], alone.forwards)


@pytest.mark.parametrize("name", SWEEPERS)
def test_to_the_goal_a_larger_radius_keeps_the_smaller_witness(name: str) -> None:
    radii = radii_of(name)
    result = attack(name)(MODEL, X, CRITERION, radii=radii, to_goal=True)
    ascending = sorted(range(4), key=radii.__getitem__)
    assert result.reached[ascending[1]].any()
    for small, large in pairwise(ascending):
        broken = result.reached[small]
        assert result.reached[large][broken].all()
        assert torch.equal(result.images[large][broken], result.images[small][broken])
        assert (result.forwards[large][broken] == 0).all()
        assert (result.forwards[large][~broken] > 0).all()
        assert (result.distance[large] <= radii[large] + 1e-6).all()


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
