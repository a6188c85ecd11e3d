"""Goals against detectors, by hand: what counts as hidden, moved and invented, and what a gradient then does."""

from math import log

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from xaiaudit.attacks.criteria import CleanFacts, build
from xaiaudit.attacks.criteria.hide import Hide
from xaiaudit.attacks.criteria.invent import Invent
from xaiaudit.attacks.criteria.move import Move
from xaiaudit.attacks.criteria.over_boxes import NOTHING, overlap
from xaiaudit.attacks.criteria.spec import parse
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.errors import NumericalError, UsageError
from xaiaudit.tensors import Boxes, Outputs

D = torch.float64
ROW = torch.arange(1)
HERE = (0.0, 0.0, 10.0, 10.0)
FIFTH = (0.0, 0.0, 10.0, 2.0)  # IoU 20 / 100 with HERE
MORE = (0.0, 0.0, 10.0, 2.1)  # 0.21
LESS = (0.0, 0.0, 10.0, 1.9)  # 0.19
AWAY = (50.0, 50.0, 60.0, 60.0)
Drawn = tuple[tuple[float, float, float, float], float, int]  # corners, log-odds, class


def boxes(*drawn: Drawn) -> Boxes:
    margin = torch.tensor([odds for _, odds, _ in drawn], dtype=D)
    return Boxes(
        xyxy=torch.tensor([corners for corners, _, _ in drawn], dtype=D).view(-1, 4),
        score=margin.sigmoid(),
        label=torch.tensor([label for _, _, label in drawn], dtype=torch.int64),
        margin=margin,
    )


def out(*images: Boxes) -> Outputs:
    return Outputs(torch.zeros(len(images), 2, dtype=D), boxes=images)


def lesions(*corners: tuple[float, float, float, float]) -> Tensor:
    return torch.tensor(corners, dtype=torch.float32).view(-1, 4)


def hide(*true: tuple[float, float, float, float], clean: Boxes | None = None, **settings: float) -> Hide:
    return Hide((clean or boxes((HERE, 3.0, 0)),), (lesions(*true),), **settings)


def reached(criterion: Hide | Move | Invent, *drawn: Drawn) -> bool:
    return bool(criterion.reached(out(boxes(*drawn)), ROW).item())


def margin(criterion: Hide | Move | Invent, *drawn: Drawn) -> float:
    return float(criterion.margins(out(boxes(*drawn)), ROW).item())


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_overlaps_by_hand(dtype: torch.dtype) -> None:
    """Areas 100, 20, 0 and outside; the quarter in the corner shares 25 of 175."""
    own = torch.tensor([HERE, FIFTH, (5.0, 5.0, 5.0, 9.0), AWAY, (9.0, 9.0, 1.0, 1.0)], dtype=dtype)
    with_it = overlap(own, torch.tensor([HERE, (5.0, 5.0, 15.0, 15.0)], dtype=dtype))
    expected = [[1.0, 25 / 175], [0.2, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    torch.testing.assert_close(with_it, torch.tensor(expected, dtype=dtype))
    nothing = torch.zeros(0, 4, dtype=dtype)
    assert overlap(nothing, own).shape == (0, 5)
    assert overlap(own, nothing).shape == (5, 0)
    assert not overlap(torch.zeros(1, 4), torch.zeros(1, 4)).any()


def test_hidden_is_no_box_that_counts_on_the_lesion() -> None:
    goal = hide(HERE)
    assert goal.applicable.tolist() == [True]
    assert not reached(goal, (HERE, 0.0, 0))  # a score of exactly one half counts
    assert reached(goal, (HERE, -1e-9, 0))
    assert reached(goal, (FIFTH, 9.0, 0))  # an overlap of exactly 0.2 does not find it
    assert not reached(goal, (MORE, 9.0, 0))
    assert reached(goal, (AWAY, 9.0, 0))
    assert reached(goal)
    assert not reached(
        goal, (AWAY, 9.0, 0), (HERE, 0.5, 1)
    )  # of whatever class, however faint beside another


def test_the_margin_of_hide_is_the_likeliest_box_on_the_lesion() -> None:
    goal = hide(HERE)
    assert margin(goal, (AWAY, 9.0, 0), (HERE, 0.5, 1), (MORE, 2.0, 0)) == 2.0
    assert margin(goal, (AWAY, 9.0, 0)) == NOTHING
    assert margin(hide(HERE, score=0.8), (HERE, 2.0, 0)) == pytest.approx(2 - log(4))
    assert margin(hide(HERE, iou=0.205), (MORE, 2.0, 0), (FIFTH, 5.0, 0)) == 2.0


def test_of_several_lesions_all_are_to_be_hidden() -> None:
    goal = hide(HERE, AWAY)
    assert not reached(goal, (HERE, -1.0, 0), (AWAY, 1.0, 0))
    assert margin(goal, (HERE, -1.0, 0), (AWAY, 1.0, 0)) == 1.0
    assert reached(goal, (HERE, -1.0, 0), (AWAY, -2.0, 0))


def test_what_was_not_found_cannot_be_hidden() -> None:
    for clean in (boxes((HERE, -0.1, 0)), boxes((AWAY, 5.0, 0)), boxes((FIFTH, 5.0, 0)), boxes()):
        goal = hide(HERE, clean=clean)
        assert goal.applicable.tolist() == [False]
        assert not reached(goal, (AWAY, 5.0, 0))
    assert hide(clean=boxes((HERE, 3.0, 0))).applicable.tolist() == [False]  # no lesion
    assert hide((4.0, 4.0, 4.0, 9.0)).applicable.tolist() == [False]  # one without an area


def move(clean: Boxes | None = None, **settings: float) -> Move:
    return Move((clean or boxes((AWAY, 1.0, 0), (HERE, 3.0, 1)),), **settings)


def test_moved_is_the_likeliest_box_elsewhere() -> None:
    goal = move()
    assert goal.applicable.tolist() == [True]
    assert reached(goal, (AWAY, 1.0, 0))
    assert reached(goal, (AWAY, 1.0, 0), (HERE, 0.9, 1))
    assert not reached(goal, (AWAY, 1.0, 0), (HERE, 1.0, 1))  # a tie: it is still as likely where it was
    assert not reached(goal, (AWAY, -0.1, 0))  # hidden, not moved
    assert reached(goal, (AWAY, 0.0, 0))
    assert not reached(goal)
    assert not reached(goal, (FIFTH, 1.0, 0))  # an overlap of exactly 0.2 is not under 0.2
    assert reached(goal, (LESS, 1.0, 0))


def test_the_margin_of_move() -> None:
    goal = move()
    assert margin(goal, (AWAY, 1.0, 0), (HERE, 3.0, 1)) == 2.0  # near leads far
    assert margin(goal, (AWAY, -4.0, 0), (HERE, -5.0, 1)) == 4.0  # far must still count
    assert margin(goal, (AWAY, 2.0, 0), (HERE, -5.0, 1)) == -2.0
    assert margin(move(score=0.8), (AWAY, 2.0, 0)) == pytest.approx(log(4) - 2)
    assert margin(goal) == -NOTHING


def test_where_nothing_counted_nothing_moves() -> None:
    for clean in (boxes((HERE, -0.1, 0)), boxes()):
        goal = move(clean)
        assert goal.applicable.tolist() == [False]
        assert not reached(goal, (AWAY, 5.0, 0))


def invent(clean: Boxes | None = None, *, normal: bool = True, **settings: float) -> Invent:
    return Invent((clean or boxes((HERE, -3.0, 0)),), torch.tensor([normal]), **settings)


def test_invented_is_a_box_that_counts_where_none_did() -> None:
    goal = invent()
    assert goal.applicable.tolist() == [True]
    assert reached(goal, (AWAY, 0.0, 1))
    assert not reached(goal, (AWAY, -1e-9, 1))
    assert not reached(goal)
    assert margin(goal, (AWAY, -2.0, 1), (HERE, -3.0, 0)) == 2.0
    assert margin(goal) == -NOTHING
    assert margin(invent(score=0.8), (AWAY, 0.0, 1)) == pytest.approx(log(4))
    assert invent(boxes()).applicable.tolist() == [True]


def test_a_lesion_or_a_false_mark_that_was_there_is_not_invented() -> None:
    assert invent(normal=False).applicable.tolist() == [False]
    assert not reached(invent(normal=False), (HERE, 5.0, 0))
    assert invent(boxes((HERE, 0.0, 0))).applicable.tolist() == [False]


def test_rows_say_which_image_is_asked() -> None:
    clean = (boxes((HERE, 3.0, 0)), boxes((AWAY, 3.0, 0)), boxes())
    goal = Hide(clean, (lesions(HERE), lesions(AWAY), lesions(HERE)))
    assert goal.applicable.tolist() == [True, True, False]
    drawn = out(boxes((HERE, 1.0, 0)), boxes((HERE, 1.0, 0)))
    assert goal.reached(drawn, torch.tensor([1, 0])).tolist() == [True, False]
    assert goal.reached(drawn, torch.tensor([2, 1])).tolist() == [False, True]
    moved = Move(clean)
    assert moved.reached(drawn, torch.tensor([1, 0])).tolist() == [True, False]
    none = torch.zeros(0, dtype=torch.int64)
    for criterion in (goal, moved, Invent(clean, torch.ones(3, dtype=torch.bool))):
        assert criterion.reached(out(), none).shape == (0,)
        assert criterion.margins(out(), none).shape == (0, 1)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_boxes_that_are_not_finite_reach_nothing(broken: float) -> None:
    cases = (
        (hide(HERE), (AWAY, 1.0, 0)),
        (move(), (AWAY, 1.0, 0)),
        (invent(), (HERE, 1.0, 0)),
    )
    for goal, good in cases:
        assert reached(goal, good)
        assert not reached(goal, good, (AWAY, broken, 0))
        assert not reached(goal, good, ((0.0, broken, 1.0, 1.0), -9.0, 0))


def facts(*clean: Boxes, boxes_known: bool = True) -> CleanFacts:
    return CleanFacts(
        logits=torch.zeros(len(clean), 2),
        threshold=0.5,
        classes=("benign", "malignant"),
        labels=torch.zeros(len(clean), dtype=torch.int64),
        boxes=clean if boxes_known else None,
    )


@pytest.mark.parametrize("name", ["hide", "move", "invent"])
def test_what_cannot_be_is_refused_in_one_line(name: str) -> None:
    clean = boxes((HERE, 3.0, 0))
    with pytest.raises(UsageError, match="draws no boxes") as caught:
        build(name, {}, facts(clean, boxes_known=False))
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="draws no boxes"):
        build(name, {}, facts(clean)).reached(Outputs(torch.zeros(1, 2)), ROW)
    with pytest.raises(NumericalError, match="boxes that are not finite on 1 of 2 clean images"):
        build(name, {}, facts(clean, boxes((HERE, float("nan"), 0))))
    for text in ("score=0", "score=1", "iou=-0.5", "iou=2"):
        if name != "invent" or "iou" not in text:
            with pytest.raises(UsageError, match="must lie between 0 and 1, got"):
                parse(f"{name}:{text}")
    assert parse(f"{name}:score=0.7") == (name, {"score": 0.7})


def test_without_a_word_on_lesions_there_is_nothing_to_hide_or_invent() -> None:
    clean = facts(boxes((HERE, 3.0, 0)), boxes((HERE, -3.0, 0)))
    assert build("hide", {}, clean).applicable.tolist() == [False, False]
    assert build("invent", {}, clean).applicable.tolist() == [False, False]
    assert build("move", {}, clean).applicable.tolist() == [True, False]


@pytest.mark.parametrize("goal", [hide(HERE), move(boxes((HERE, 3.0, 0))), invent()])
def test_an_image_without_boxes_has_a_gradient_of_zero_and_not_none(goal: Hide | Move | Invent) -> None:
    """Or a batch of nothing but such images could not be attacked at all."""
    odds = torch.zeros(0, dtype=D, requires_grad=True)
    none = Boxes(torch.zeros(0, 4, dtype=D), odds.sigmoid(), torch.zeros(0, dtype=torch.int64), odds)
    (slope,) = grad(goal.loss(out(none), ROW).sum(), odds)
    assert slope.shape == (0,)


class TwoPlaces(torch.nn.Module):
    """A box in either half of the image, as likely as its half is bright; the decision knows nothing of them."""

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        halves = torch.stack([half.mean((1, 2, 3)) for half in images.chunk(2, 3)], 1)
        odds = 10 * (halves - 0.5)
        corners = torch.tensor([(0.0, 0.0, 4.0, 8.0), (4.0, 0.0, 8.0, 8.0)], dtype=images.dtype)
        label = torch.tensor([0, 1])
        drawn = tuple(Boxes(corners, own.sigmoid(), label, own) for own in odds)
        return Outputs(torch.stack((0 * odds[:, 0], odds.amax(1)), 1), boxes=drawn)


def bright(left: float, right: float) -> Tensor:
    """(1, 1, 8, 8)"""
    return torch.cat((torch.full((1, 1, 8, 4), left, dtype=D), torch.full((1, 1, 8, 4), right, dtype=D)), 3)


LEFT = (0.0, 0.0, 4.0, 8.0)


def test_attacks_reach_the_goals_at_the_radius_by_hand() -> None:
    """Left 0.6, right 0.45. Hidden: left under 0.5, 0.1 away. Moved: 0.075 for the halves to meet, 0.05 for right to
    count. Invented, from left 0.3 and right 0.45: 0.05."""
    model, x, dark = TwoPlaces().eval(), bright(0.6, 0.45), bright(0.3, 0.45)
    clean, none = model(x).boxes, model(dark).boxes
    assert clean is not None
    assert none is not None
    goals = (
        (x, Hide(clean, (lesions(LEFT),)), 0.1),
        (x, Move(clean), 0.075),
        (dark, Invent(none, torch.ones(1, dtype=torch.bool)), 0.05),
    )
    for images, goal, radius in goals:
        for epsilon, there in ((radius * 0.98, False), (radius * 1.02, True)):
            found = IterativeFGSM(epsilon=epsilon, steps=10)(model, images, goal)
            assert found.reached.tolist() == [there]
        nearest = DeepFool(norm="linf")(model, images, goal)
        assert nearest.reached.tolist() == [True]
        assert nearest.distance.item() == pytest.approx(radius, rel=0.05)
