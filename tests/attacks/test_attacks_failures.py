"""An attack that cannot go on says so: it never counts an image as robust that it could not search."""

from dataclasses import replace
from inspect import unwrap

import pytest
import torch
from attack_nets import AsModel, Counted, Linear, clean_logits, goal, moves_maps, smooth_cnn, some_images
from torch import Tensor, nn

from xaiaudit.attacks.checks import check_inputs
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.registry import ATTACKS, attack, attack_class, parameters_of
from xaiaudit.errors import NumericalError, UsageError
from xaiaudit.tensors import Outputs

BLIND = [name for name in ATTACKS if not getattr(attack_class(name), "gradients", True)]
MAPS = [name for name in ATTACKS if moves_maps(name)]  # these networks have none: see test_attacks_map_shift
SEEING = pytest.mark.parametrize("name", [name for name in ATTACKS if name not in (*BLIND, *MAPS)])
BOTH = pytest.mark.parametrize("to_goal", [False, True])


class Margin(nn.Module):
    """Two logits [0, margin(images)]."""

    def __init__(self, margin) -> None:
        super().__init__()
        self.margin = margin
        self.eval()

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        z = self.margin(images)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))


def brightness(images: Tensor) -> Tensor:
    return 50 * (images.mean((1, 2, 3)) - 0.3)


@SEEING
@BOTH
@pytest.mark.parametrize(
    "margin",
    [
        lambda x: (brightness(x) - 1000).relu() + 1,  # dead
        lambda x: brightness(x).detach(),  # cut off from the image
        lambda x: torch.ones(len(x)),  # a constant
    ],
)
def test_a_gradient_of_zero_is_a_failure(name: str, to_goal: bool, margin) -> None:
    x = torch.full((2, 1, 6, 6), 0.9)
    model = Margin(margin)
    method = attack(name, **({"attacks": "apgd+fab"} if name == "worst" else {}))
    result = method(model, x, LeaveDecision(clean_logits(model, x)), to_goal=to_goal)
    assert result.failed.all()
    assert not result.reached.any()
    if not method.random_start:
        assert torch.equal(result.images, x)


@SEEING
@BOTH
def test_one_broken_image_does_not_touch_the_others(name: str, to_goal: bool) -> None:
    """The gradient of sqrt(0 * x) is not finite; a pixel of the padding says whose turn it is."""

    def margin(x: Tensor) -> Tensor:
        return brightness(x) + 0.01 * (x[:, 0, 0, 0] * (x[:, 0, 5, 5] < 0.5)).sqrt()

    x = torch.full((3, 1, 6, 6), 0.305)
    valid = torch.ones(3, 1, 6, 6, dtype=torch.bool)
    valid[:, :, 5] = False
    x[1, 0, 5, 5] = 0.8
    model = Margin(margin)
    criterion = LeaveDecision(clean_logits(model, x))
    options = {"pgd-l2": {"epsilon": 0.3}, "worst": {"attacks": "apgd+fab"}}  # square needs no gradient
    method = attack(name, **options.get(name, {}))
    result = method(model, x, criterion, valid=valid, to_goal=to_goal)
    assert result.failed.tolist() == [False, True, False]
    assert result.reached.tolist()[::2] == [True, True]
    assert result.images.isfinite().all()


@pytest.mark.parametrize("name", BLIND)
@BOTH
def test_what_asks_for_no_gradient_does_not_fail_without_one(name: str, to_goal: bool) -> None:
    model = Margin(lambda x: brightness(x).detach())
    x = torch.full((2, 1, 6, 6), 0.305)
    few = {"square": {"queries": 100}}.get(name, {})
    result = attack(name, epsilon=0.1, **few)(
        model, x, LeaveDecision(clean_logits(model, x)), to_goal=to_goal
    )
    assert result.reached.all()
    assert not result.failed.any()
    assert not result.backwards.any()


def test_an_image_stays_where_its_gradient_ended() -> None:
    """Below a brightness of 0.45 the gradient is NaN; the decision would change at 0.3."""
    model = Margin(lambda x: brightness(x) + 0.01 * (brightness(x) * (x.mean((1, 2, 3)) >= 0.45)).sqrt())
    x = torch.full((1, 1, 6, 6), 0.5)
    result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.failed.item() is True
    assert result.reached.item() is False
    assert result.images.mean().item() == pytest.approx(0.448, abs=1e-5)  # the 13th of 25 steps


def test_nan_logits_are_no_label_flip() -> None:
    """NaN >= 0 is false, which would read as class 0: whoever judges the image again must not see one."""
    model = Margin(lambda x: torch.where(x.mean((1, 2, 3)) < 0.49, torch.nan, brightness(x)))
    x = torch.full((1, 1, 6, 6), 0.5)
    for to_goal in (False, True):
        result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)), to_goal=to_goal)
        assert result.reached.item() is False
        assert result.failed.item() is True
        assert model(result.images).logits.isfinite().all()
    deepfool = DeepFool()(model, x, LeaveDecision(clean_logits(model, x)))
    assert deepfool.failed.item() is True
    assert model(deepfool.images).logits.isfinite().all()


@pytest.mark.parametrize("name", ATTACKS)
@BOTH
def test_a_network_may_answer_in_another_precision(name: str, to_goal: bool) -> None:
    x = some_images(6, seed=4).float()
    known = parameters_of(name)
    few = {"queries": 30, "steps": 8, "attacks": ("pgd", "fab")}
    few = {key: value for key, value in few.items() if key in known}
    made = attack(name, **few)
    results = []
    for dtype in (torch.float32, torch.float64):

        def model(images: Tensor, layers: tuple[str, ...] = (), dtype: torch.dtype = dtype) -> Outputs:
            out = MODEL(images, layers)
            return replace(out, logits=out.logits.to(dtype))

        model.cam_layer = MODEL.cam_layer
        results.append(made(model, x, goal(name, model, x), to_goal=to_goal, stored=True))
    single, double = results
    assert double.images.dtype == torch.float32
    assert torch.equal(single.reached, double.reached)
    assert torch.allclose(single.distance, double.distance, rtol=0.02)


def test_few_that_stay_do_not_pay_for_the_many_that_leave() -> None:
    """Fifteen images flip at the second look; a backward of all of them there would be for one."""
    x = torch.full((16, 1, 6, 6), 0.301)
    x[0] = 0.9
    weight = torch.tensor([0.0, 50 / 36]).repeat(36, 1)
    model = Counted(Linear(weight, torch.tensor([0.0, -15.0])))  # by brightness
    criterion = LeaveDecision(clean_logits(model, x))
    model.forwards = model.backwards = 0
    result = IterativeFGSM()(model, x, criterion, to_goal=True)
    assert result.reached.tolist() == [False] + 15 * [True]
    assert model.backwards == result.backwards.sum() == 16 + 24
    assert (result.forwards.sum(), model.forwards) == (71, 72)  # one image is looked at twice


def test_a_gradient_that_dies_behind_the_boundary_is_no_failure() -> None:
    model = Margin(lambda x: brightness(x).clamp(min=-1))
    x = torch.full((1, 1, 6, 6), 0.33)
    result = IterativeFGSM()(model, x, LeaveDecision(clean_logits(model, x)))
    assert result.reached.item() is True
    assert result.failed.item() is False


def test_nan_gradients_in_the_padding_do_no_harm() -> None:
    model = Margin(lambda x: brightness(x) + (0 * x[:, 0, 0, :]).sqrt().sum(1))  # 0 * inf at every step
    x = torch.full((2, 1, 6, 6), 0.32)
    valid = torch.ones(2, 1, 6, 6, dtype=torch.bool)
    criterion = LeaveDecision(clean_logits(model, x))
    assert IterativeFGSM()(model, x, criterion, valid=valid).failed.all()
    valid[:, :, 0] = False
    result = IterativeFGSM()(model, x, criterion, valid=valid)
    assert result.reached.all()
    assert torch.equal(result.images[:, :, 0], x[:, :, 0])


@SEEING
def test_an_image_leaves_only_when_the_judging_forward_agrees(name: str) -> None:
    """A search of lower precision may see the goal too early; here by a tenth of a logit."""
    model = Margin(lambda x: brightness(x) - (0.1 if torch.is_grad_enabled() else 0.0))
    x = torch.full((1, 1, 6, 6), 0.304)  # margin 0.2 when judged, 0.1 when searched
    result = attack(name)(model, x, LeaveDecision(clean_logits(model, x)), to_goal=True)
    assert result.reached.item() is True
    assert clean_logits(model, result.images)[0, 1] < 0


def test_clean_logits_that_are_not_finite_have_no_decision() -> None:
    with pytest.raises(NumericalError, match="1 of 2 clean images"):
        LeaveDecision(torch.tensor([[0.0, 1.0], [0.0, torch.nan]]))


MODEL = AsModel(smooth_cnn()).float()
X = some_images(2).float()
BROKEN = torch.where(X > 0.5, torch.nan, X)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": 255 * X}, r"images must lie in \[0, 1\], got \[0, 25.*normalisation belongs inside"),
        ({"images": BROKEN}, r"must lie in \[0, 1\], got \[nan"),
        ({"images": X.half()}, "must be float32"),
        ({"seeds": [1]}, "one an image, got 1 for 2 images"),
        ({"valid": torch.ones(2, 1, 3, 12, dtype=torch.bool)}, r"valid must be \(2, 1, 12, 12\)"),
        ({"model": AsModel(smooth_cnn()).float().train()}, "training mode"),
    ],
)
def test_what_cannot_be_attacked_is_refused_in_one_line(change, words: str) -> None:
    inputs = {"model": MODEL, "images": X, "valid": None, "seeds": None} | change
    with pytest.raises(UsageError, match=words) as caught:
        unwrap(check_inputs)(**inputs)  # as it runs without the shape checks of the tests
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("radius", "words"), [(25.5, r"25.5/255 \(grey levels\)"), (-0.1, "above 0")])
def test_radii_are_checked(radius: float, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        IterativeFGSM()(MODEL, X, LeaveDecision(clean_logits(MODEL, X)), radii=(0.1, radius))
