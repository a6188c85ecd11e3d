"""The square attack: its stripes, squares and acceptance by hand, its success beside those of ART and torchattacks."""

import warnings

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, linear, smooth_cnn, some_images
from torch import Tensor

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.registry import attack
from xaiaudit.attacks.search import Seen, State
from xaiaudit.attacks.square import Square
from xaiaudit.attacks.sweep import at
from xaiaudit.errors import UsageError
from xaiaudit.functional import decision
from xaiaudit.seeds import Draws

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from art.attacks.evasion import SquareAttack
    from art.estimators.classification import PyTorchClassifier

EPSILON = 0.125  # a power of two: x0 +- epsilon is exact for the grey of the hand-made images


def begin(method: Square, x: Tensor, valid: Tensor | None = None, seed: int = 0) -> tuple[Ball, State]:
    ball = Ball.around(x, valid, "linf", at(x, EPSILON))
    return ball, method.start(ball, Draws([seed + i for i in range(len(x))], 0))


def seen(state: State, loss: list[float], step: int) -> Seen:
    x = state.x
    return Seen(
        torch.tensor(loss)[:, None], x.new_empty(len(x), 0, *x.shape[1:]), torch.zeros(len(x)) > 0, step
    )


def test_it_begins_with_vertical_stripes_at_the_bounds() -> None:
    x = torch.full((6, 3, 8, 40), 0.5)
    x[:, :, 0, 0] = 0.0625  # nearer to black than epsilon
    _, state = begin(Square(), x)
    stripes = state.x[:, :, 1:]
    assert (stripes == stripes[:, :, :1]).all()
    assert set(stripes.unique().tolist()) == {0.375, 0.625}
    assert set(state.x[:, :, 0, 0].unique().tolist()) <= {0.0, 0.1875}
    up = (stripes[:, :, 0] == 0.625).float()  # (6, 3, 40)
    assert 0.4 < up.mean() < 0.6
    assert not torch.equal(up[0], up[1])
    assert not torch.equal(up[0, 0], up[0, 1])  # each channel has its own


@pytest.mark.parametrize(
    ("queries", "query", "halvings"),
    [(10_000, 0, 0), (10_000, 10, 0), (10_000, 11, 1), (10_000, 50, 1), (10_000, 51, 2), (10_000, 201, 3),
     (10_000, 501, 4), (10_000, 1001, 5), (10_000, 2001, 6), (10_000, 4001, 7), (10_000, 6001, 8), (10_000, 8000, 8),
     (10_000, 8001, 9), (5000, 5, 0), (5000, 6, 1), (5000, 4000, 8), (5000, 4001, 9), (100, 0, 0), (100, 1, 2),
     (100, 99, 9)],
)  # fmt: skip
def test_squares_shrink_by_the_schedule_of_the_paper(queries: int, query: int, halvings: int) -> None:
    assert Square(queries=queries).share(query) == 0.8 / 2**halvings
    assert Square(queries=queries, p_init=0.3).share(query) == 0.3 / 2**halvings


@pytest.mark.parametrize(
    ("query", "side"),
    [(0, 18), (6, 13), (30, 9), (120, 6), (300, 4), (600, 3), (1500, 2), (3000, 2), (4500, 1)],
)
def test_the_side_of_a_square_is_the_root_of_its_share(query: int, side: int) -> None:
    """Of 400 pixels: sqrt(0.8 * 400) = 17.9, sqrt(0.4 * 400) = 12.6, ... rounded."""
    x = torch.full((20, 1, 20, 20), 0.5)
    method = Square()
    ball, state = begin(method, x)
    flat = state._replace(x=ball.low, memory=(ball.low, *state.memory[1:]))
    flat = method.step(flat, seen(flat, [0.0] * 20, 0), ball)  # draws
    flat = flat._replace(x=ball.low, memory=(ball.low, *flat.memory[1:]))
    moved = method.step(flat, seen(flat, [0.0] * 20, query - query % 100), ball)
    if query % 100:
        moved = method.step(moved._replace(memory=flat.memory), seen(flat, [-1.0] * 20, query), ball)
    for image in moved.x[:, 0]:
        rows, columns = (image == 0.625).nonzero(as_tuple=True)
        assert len(rows) == side**2
        assert rows.max() - rows.min() == columns.max() - columns.min() == side - 1


def test_squares_reach_every_pixel_and_none_of_the_padding() -> None:
    """With one pixel left to change, each query changes it: a square never lies where nothing can change."""
    x = torch.full((1, 1, 9, 7), 0.5)
    valid = torch.zeros(1, 1, 9, 7, dtype=torch.bool)
    valid[:, :, 2:6, 3:5] = True
    method = Square(queries=100, p_init=0.1)
    ball, state = begin(method, x, valid)
    touched = torch.zeros(9, 7)
    for step in range(1000):
        state = method.step(state, seen(state, [float(step)], step), ball)
        changed = (state.x != state.memory[0])[0, 0]
        assert changed.sum() == 1  # side 1: round(sqrt(0.1 * 8)) and less
        touched += changed
    assert torch.equal(touched > 0, valid[0, 0])
    assert touched[valid[0, 0]].min() > 80  # of 125: places are drawn evenly
    assert touched[valid[0, 0]].max() < 170


def test_a_candidate_is_kept_only_if_the_loss_rises() -> None:
    x = torch.full((3, 1, 10, 10), 0.5)
    method = Square(queries=100)
    ball, state = begin(method, x)
    first = state.x
    state = method.step(state, seen(state, [1.0, -5.0, float("nan")], 0), ball)
    assert torch.equal(state.memory[0][:2], first[:2])
    assert torch.equal(state.memory[0][2], x[2])  # nothing known: the clean image
    candidate = state.x
    assert ((candidate == 0.375) | (candidate == 0.625)).flatten(1).any(1).all()
    state = method.step(state, seen(state, [1.0, -4.0, 0.0], 1), ball)
    assert torch.equal(state.memory[0], torch.stack((first[0], candidate[1], candidate[2])))
    assert state.memory[1].tolist() == [1.0, -4.0, 0.0]
    assert torch.equal(method.finalists(state, ball)[0], state.memory[0])


def test_signs_are_drawn_per_channel_and_evenly() -> None:
    x = torch.full((200, 3, 6, 6), 0.5)
    method = Square(queries=100)
    ball, state = begin(method, x)
    state = method.step(state._replace(x=x), seen(state, [0.0] * 200, 0), ball)
    square = torch.where((state.x != 0.5).any(1, keepdim=True), state.x, torch.nan).nanmean(
        (2, 3)
    )  # (200, 3)
    assert set(square.unique().tolist()) == {0.375, 0.625}
    ups = (square == 0.625).float()
    assert (ups.mean(0) - 0.5).abs().max() < 0.15
    assert len(ups.unique(dim=0)) == 8


def test_every_pixel_ends_at_a_bound_and_gradients_are_not_asked_for() -> None:
    model = AsModel(smooth_cnn()).float()
    x = some_images(6, seed=4).float()
    criterion = LeaveDecision(clean_logits(model, x))
    result = Square(epsilon=0.01, queries=150)(model, x, criterion)
    at_bound = (result.images - (x - 0.01).clamp(min=0)).abs() < 1e-7
    at_bound |= (result.images - (x + 0.01).clamp(max=1)).abs() < 1e-7
    assert at_bound.all()
    assert (result.forwards == 151).all()  # and one that judges
    assert not result.backwards.any()
    with torch.no_grad():
        detached = Square(epsilon=0.01, queries=150)(
            lambda images, layers=(): model(images.detach()), x, criterion
        )
    assert torch.equal(detached.images, result.images)


def test_it_finds_the_corner_of_a_linear_model() -> None:
    """At most epsilon ||w||_1 = 0.1 * 8: with a margin of 0.75 only nearly the whole corner is enough."""
    weight = torch.zeros(16, 2)
    weight[:, 1] = torch.tensor([0.5, -0.5]).repeat(8)
    x = torch.full((4, 1, 4, 4), 0.5)
    model = linear(weight, torch.tensor([0.0, 0.75]))
    criterion = LeaveDecision(clean_logits(model, x))
    result = Square(epsilon=0.1, queries=1000)(model, x, criterion, to_goal=True)
    assert result.reached.all()
    assert (result.forwards < 1000).all()
    barely = linear(weight, torch.tensor([0.0, 0.81]))
    assert not Square(epsilon=0.1, queries=1000)(
        barely, x, LeaveDecision(clean_logits(barely, x))
    ).reached.any()


N, QUERIES, RADII = 300, 60, (0.04, 0.1)


@pytest.fixture(scope="module")
def many() -> tuple[torch.nn.Module, Tensor, LeaveDecision]:
    net, x = smooth_cnn(seed=2).float(), some_images(N, seed=31).float()
    return net, x, LeaveDecision(clean_logits(AsModel(net), x))


def broken(many, epsilon: float) -> Tensor:
    net, x, criterion = many
    return Square(epsilon=epsilon, queries=QUERIES)(AsModel(net), x, criterion).reached


@pytest.fixture
def idle_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """ART, torchattacks and AutoAttack try squares that change nothing; of a grey image, up to half of them."""

    def painted(best: Tensor, window: tuple[Tensor, Tensor, Tensor], low: Tensor, ball: Ball) -> Tensor:
        images, rows, columns = window
        x = best.clone()
        bound = torch.where(low[..., None, None], ball.low, ball.high)
        x[images, :, rows, columns] = bound[images, :, rows, columns]
        return x

    monkeypatch.setattr("xaiaudit.attacks.square._painted", painted)


def agree(ours: Tensor, theirs: Tensor) -> bool:
    """Success of two independent runs, within three standard errors."""
    share = (ours.float().mean() + theirs.float().mean()) / 2
    error = (2 * share * (1 - share) / N) ** 0.5
    assert 0.1 < share < 0.8
    return bool((ours.float().mean() - theirs.float().mean()).abs() < 3 * error)


@pytest.mark.usefixtures("idle_squares")
@pytest.mark.parametrize("epsilon", RADII)
def test_success_is_that_of_art(many, epsilon: float) -> None:
    net, x, criterion = many
    estimator = PyTorchClassifier(
        net, torch.nn.CrossEntropyLoss(), x.shape[1:], 2, clip_values=(0.0, 1.0), device_type="cpu"
    )
    made = SquareAttack(estimator, eps=epsilon, max_iter=QUERIES, p_init=0.8, batch_size=N, verbose=False)
    np.random.seed(0)  # noqa: NPY002 - ART draws from the global generator
    theirs = torch.tensor(made.generate(x.numpy(), y=np.eye(2)[criterion.decision.numpy()]))
    assert agree(broken(many, epsilon), decision(clean_logits(AsModel(net), theirs)) != criterion.decision)


@pytest.mark.usefixtures("idle_squares")
@pytest.mark.parametrize("epsilon", RADII)
def test_success_is_that_of_torchattacks(many, epsilon: float) -> None:
    module = pytest.importorskip(
        "torchattacks", reason="torchattacks is not installed: no parity of the square attack"
    )
    net, x, criterion = many
    made = module.Square(net, eps=epsilon, n_queries=QUERIES, loss="margin", resc_schedule=True, seed=0)
    theirs = decision(clean_logits(AsModel(net), made(x, criterion.decision))) != criterion.decision
    assert agree(broken(many, epsilon), theirs)


def test_squares_that_always_change_something_find_more(many, request: pytest.FixtureRequest) -> None:
    ours = broken(many, 0.1)
    request.getfixturevalue("idle_squares")
    idle = broken(many, 0.1)
    assert ours.float().mean() > idle.float().mean() + 0.08


def test_bad_values() -> None:
    for bad in ({"p_init": 0.0}, {"p_init": 1.2}, {"queries": 0}, {"epsilon": 8.0}):
        with pytest.raises(UsageError):
            Square(**bad)
    assert attack("square").describe() == (
        "square attack: L∞ radius 8 grey levels (0.03137 of full scale), 5000 queries, first squares 80 % of the "
        "pixels, from random stripes, no gradients"
    )
