"""The worst case over a set of attacks, and searches that are left early."""

import re

import pytest
import torch
from attack_nets import AsModel, Pit, clean_logits, linear, smooth_cnn, some_images

from xaiaudit.attacks.apgd import APGD
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.engine import Problem
from xaiaudit.attacks.fab import FAB
from xaiaudit.attacks.hurried import Hurried, hurried
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.registry import attack
from xaiaudit.attacks.spec import parse
from xaiaudit.attacks.sweep import sweep
from xaiaudit.attacks.worst import WorstCase
from xaiaudit.errors import UsageError
from xaiaudit.functional import decision
from xaiaudit.tensors import Outputs

MODEL = AsModel(smooth_cnn()).float()
X = some_images(12, seed=21).float()
CRITERION = LeaveDecision(clean_logits(MODEL, X))
RADII = tuple(level / 255 for level in (0.1, 0.25, 0.5, 1, 2, 4, 8, 25.5))
PAIR = ("apgd", "fab")


class Blind(torch.nn.Module):
    """The smooth network behind quantised pixels: no gradient comes through."""

    def forward(self, images: torch.Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        return MODEL((images * 15).round() / 15)


def test_each_image_is_broken_if_any_member_breaks_it() -> None:
    for epsilon in (3 / 255, 4 / 255, 8 / 255):
        worst = WorstCase(attacks=PAIR, epsilon=epsilon)(MODEL, X, CRITERION, seeds=range(12))
        apgd = APGD(epsilon=epsilon)(MODEL, X, CRITERION, seeds=range(12), to_goal=True)
        fab = FAB(epsilon=epsilon)(MODEL, X, CRITERION)
        assert torch.equal(worst.reached, apgd.reached | fab.reached)
        assert torch.equal(worst.broken_by == 0, apgd.reached)
        assert torch.equal(worst.broken_by == -1, ~worst.reached)
        assert torch.equal(worst.images[apgd.reached], apgd.images[apgd.reached])
        assert (worst.distance <= epsilon + 1e-6).all()
        assert 0 < worst.reached.sum() < 12


def test_only_survivors_are_passed_on() -> None:
    worst = WorstCase(attacks=PAIR, epsilon=1 / 255)(MODEL, X, CRITERION, seeds=range(12))
    apgd = APGD(epsilon=1 / 255)(MODEL, X, CRITERION, seeds=range(12), to_goal=True)
    broken = apgd.reached
    assert torch.equal(worst.forwards[broken], apgd.forwards[broken])
    assert (worst.forwards[~broken] > apgd.forwards[~broken]).all()


def test_the_cheapest_goes_first_whatever_the_order_of_the_names() -> None:
    worst = WorstCase(attacks=("square", "fab", "apgd", "noise", "fgsm-single"))
    assert worst.members == ("fgsm-single", "noise", "apgd", "fab", "square")
    assert worst.random_start
    assert not WorstCase(attacks=("fab", "fgsm")).random_start
    assert WorstCase().members == ("apgd", "fab", "square")
    first, second = (
        WorstCase(attacks=names)(MODEL, X[:4], LeaveDecision(CRITERION.clean[:4]))
        for names in (PAIR, PAIR[::-1])
    )
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.broken_by, second.broken_by)


def test_a_member_can_break_what_the_one_before_could_not() -> None:
    """Gradients end at quantised pixels; random squares do not need them."""
    model = Blind().eval()
    criterion = LeaveDecision(clean_logits(model, X))
    method = WorstCase(epsilon=0.1)
    assert method.members[2] == "square"
    worst = method(model, X, criterion)
    assert (worst.broken_by == 2).sum() > 4
    assert torch.equal(worst.reached, worst.broken_by == 2)
    assert not worst.failed[worst.reached].any()
    assert worst.failed[~worst.reached].all()  # nobody with gradients can vouch for them


def test_one_member_that_could_work_is_enough_not_to_fail() -> None:
    model = linear(torch.zeros(144, 2), torch.tensor([0.0, 1.0]))
    criterion = LeaveDecision(clean_logits(model, X))
    assert WorstCase(attacks=PAIR)(model, X, criterion).failed.all()
    assert not WorstCase(attacks=("noise",))(model, X, criterion).failed.any()
    assert WorstCase(attacks=("noise", "fgsm"))(model, X, criterion).failed.all()
    robust = WorstCase(attacks=PAIR, epsilon=1e-5)(MODEL, X, CRITERION)
    assert not robust.failed.any()
    assert not robust.reached.all()


@pytest.mark.parametrize("stored", [False, True])
def test_radii_find_what_each_radius_alone_finds(stored: bool) -> None:
    method = WorstCase(attacks=PAIR)
    swept = method(MODEL, X, CRITERION, radii=RADII, stored=stored, seeds=range(12))
    counts = []
    for place, radius in enumerate(RADII):
        alone = WorstCase(attacks=PAIR, epsilon=radius)(MODEL, X, CRITERION, stored=stored, seeds=range(12))
        assert torch.equal(swept.reached[place], alone.reached)
        assert (swept.distance[place] <= radius + 1e-6).all()
        left = decision(clean_logits(MODEL, swept.images[place])) != CRITERION.decision
        assert torch.equal(left, swept.reached[place])
        if stored:
            assert torch.equal(swept.stored[place], quantise(swept.stored[place]))
            assert torch.equal(
                decision(clean_logits(MODEL, swept.stored[place])) != CRITERION.decision,
                swept.survived[place],
            )
            assert (swept.survived[place] | ~alone.survived).all()
        counts.append(int(swept.reached[place].sum()))
    assert counts[0] == 0
    assert counts[-1] == 12
    assert len(set(counts)) > 3


def test_the_order_of_the_radii_is_kept() -> None:
    method = WorstCase(attacks=PAIR)
    rising = method(MODEL, X, CRITERION, radii=RADII, seeds=range(12))
    falling = method(MODEL, X, CRITERION, radii=RADII[::-1], seeds=range(12))
    assert torch.equal(rising.reached, falling.reached.flip(0))
    assert torch.equal(rising.broken_by, falling.broken_by.flip(0))
    assert torch.equal(rising.images, falling.images.flip(0))


def test_a_later_member_wins_at_the_smaller_radius_and_the_earlier_keeps_the_larger() -> None:
    """Noise finds a radius, FAB a smaller one."""
    result = WorstCase(attacks=("noise", "fab"))(MODEL, X, CRITERION, radii=RADII)
    both = (result.broken_by == 0).any(0) & (result.broken_by == 1).any(0)
    assert both.any()
    ranks = result.broken_by[:, both]
    first = (ranks == 1).int().argmax(0), (ranks == 0).int().argmax(0)
    assert (first[0] < first[1]).all()
    assert torch.equal(result.reached, result.broken_by >= 0)


def test_the_curve_costs_little_more_than_its_dearest_member_alone() -> None:
    worst = WorstCase(attacks=PAIR)(MODEL, X, CRITERION, radii=RADII)
    spent = (worst.forwards + worst.backwards).sum()
    alone = FAB(epsilon=1.0)(MODEL, X, CRITERION)
    assert spent <= 1.3 * (alone.forwards + alone.backwards).sum()


def test_a_search_is_left_where_the_smallest_radius_is_settled() -> None:
    model, x = MODEL, X
    free = FAB(epsilon=1.0)(model, x, CRITERION)
    wide = free.distance.max().item() * 2
    quick = Hurried(search=FAB(), radii=(wide,))
    assert quick.looks == FAB().looks
    worst = WorstCase(attacks=("fab",), epsilon=min(wide, 1.0))(model, x, CRITERION)
    assert worst.reached.all()
    assert (worst.backwards < 10).all()
    assert (free.backwards == 100).all()


def test_leaving_where_it_is_hopeless_settles_the_same_radii() -> None:
    free = FAB(epsilon=1.0)(MODEL, X, CRITERION)
    grid = torch.tensor(RADII, dtype=torch.float64)
    places = torch.searchsorted(grid, free.distance)
    swept = WorstCase(attacks=("fab",))(MODEL, X, CRITERION, radii=RADII)
    assert torch.equal(swept.reached.int().argmax(0), places)
    assert swept.backwards.sum() < 0.7 * free.backwards.sum()


def test_only_walks_towards_the_smallest_are_hurried() -> None:
    for name in ("apgd", "deepfool", "square", "noise"):
        assert hurried(attack(name), RADII) is attack(name) or hurried(attack(name), RADII) == attack(name)
    assert hurried(FAB(), RADII) == Hurried(search=FAB(), radii=tuple(sorted(RADII)))


def test_as_people_write_it() -> None:
    name, parameters = parse("worst:attacks=fab+apgd,epsilon=4/255")
    made = attack(name, **parameters)
    assert made.attacks == ("fab", "apgd")
    assert made == attack("worst", attacks="fab+apgd", epsilon=4 / 255)
    assert made == attack("worst", attacks=["fab", "apgd"], epsilon=4 / 255)  # as JSON keeps it
    assert made.describe() == (
        "worst case of APGD-CE and FAB: L∞ radius 4 grey levels (0.01569 of full scale), "
        "each only on what those before it did not break"
    )
    assert attack("worst", norm="l2", attacks=("pgd-l2", "deepfool")).epsilon == 3.0
    assert attack("worst", norm="l2", attacks=("pgd-l2", "deepfool")).steps == 90


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("worst:attacks=apgd+apgd", "one or more different attacks, got apgd+apgd"),
        ("worst:attacks=apdg", "no attack 'apdg'; did you mean apgd"),
        ("worst:attacks=apgd+worst", "worst cannot be a member of worst"),
        ("worst:attacks=radius", "radius cannot be a member of worst"),
        ("worst:attacks=art:SquareAttack", "art:SquareAttack cannot be a member of worst"),
        (
            "worst:attacks=pgd+pgd-l2",
            "pgd-l2 attacks in l2 and worst in linf; choose other attacks=, or norm=l2",
        ),
        ("worst:norm=l2", "square attacks in linf and worst in l2"),
        ("worst:attacks=fgsm-thesis", "the radius of fgsm-thesis is fixed"),
        ("worst:epsilon=8", "did you mean 8/255"),
        ("worst:norm=l1", "norm must be linf or l2"),
    ],
)
def test_sets_that_cannot_be_get_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_later_member_tries_small_radii_where_nothing_was_enough() -> None:
    """Only between 0.04 and 0.06 from the clean image is the decision another: a step of 0.3 goes beyond."""

    model, x = Pit().eval(), torch.full((1, 1, 3, 3), 0.5)
    criterion = LeaveDecision(model(x).logits)
    radii = (0.02, 0.05, 0.3)
    problem = Problem(model, model, criterion, x, None, (), to_goal=True, stored=False)
    nothing = sweep(attack("fgsm-single"), problem, (1e-6,) * 3)
    assert not nothing.reached.any()
    found = sweep(attack("fgsm-single"), problem, radii, nothing)
    assert found.reached[:, 0].tolist() == [False, True, True]
