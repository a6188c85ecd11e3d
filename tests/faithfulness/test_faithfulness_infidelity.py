"""Infidelity and max-sensitivity: exact attributions by hand, Captum as a second reading, and what must hold."""

import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max
from faithfulness_nets import LinearModel, conv, pictures
from torch import Tensor

from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import explainer
from xaiaudit.faithfulness import Canvas, InfidelityTest, MaxSensitivity, Noise, Squares, infidelity
from xaiaudit.faithfulness.infidelity import Responses

PERTURBATIONS = {"squares": Squares(canvas=Canvas(kind="mean")), "noise": Noise()}
IMAGES, TARGET = pictures(3), torch.tensor([1, 1, 1])
WEIGHTS = torch.randn(24, 24, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def exact(name: str) -> Tensor:
    """Of a linear model: the weights for noise, the weights times what is taken away for squares."""
    if name == "noise":
        return WEIGHTS.expand(3, -1, -1)
    return WEIGHTS * (IMAGES - Canvas(kind="mean")(IMAGES))[:, 0]


def test_the_formula_by_hand() -> None:
    """The map foretells falls of 3 and 1 where the score falls by 2 and 0."""
    responses = Responses(
        torch.tensor([[[[1, 1]]], [[[1, 0]]]]), torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    )
    found = infidelity(torch.tensor([[[1.0, 2.0]]]), responses, signed=True)
    assert found.raw.item() == pytest.approx((1 + 1) / 2)
    assert found.scale.item() == pytest.approx(6 / 10)
    assert found.scaled.item() == pytest.approx((0.2**2 + 0.6**2) / 2)
    assert found.unexplained.item() == pytest.approx(0.2 / 2)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_exact_attribution_of_a_linear_model_is_faithful(name: str) -> None:
    test = InfidelityTest(perturbation=PERTURBATIONS[name], samples=8)
    responses = test(LinearModel(WEIGHTS, bias=0.7), IMAGES, TARGET)
    found = infidelity(exact(name), responses, signed=True)
    assert found.raw.abs().max() < 1e-20
    assert found.unexplained.abs().max() < 1e-20
    assert torch.allclose(found.scale, torch.ones(3, dtype=torch.float64))
    negative = infidelity(-7 * exact(name), responses, signed=True)
    assert negative.raw.min() > 1e-3  # raw sees scale and sign
    assert torch.allclose(negative.scale, torch.full((3,), -1 / 7, dtype=torch.float64))
    assert negative.unexplained.abs().max() < 1e-20


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_against_captum(name: str) -> None:
    model, target = conv(), torch.tensor([0, 1, 1])
    maps = torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    drawn = list(PERTURBATIONS[name](IMAGES, 12))
    responses = InfidelityTest(perturbation=PERTURBATIONS[name], samples=12)(model, IMAGES, target)
    found = infidelity(maps, responses, signed=True)

    def perturb(_: Tensor) -> tuple[Tensor, Tensor]:
        """Captum repeats each image in turn."""
        weights = torch.stack([weights.double() for weights, _ in drawn], 1).flatten(0, 1)[:, None]
        return weights, torch.stack([changed for _, changed in drawn], 1).flatten(0, 1)

    for normalize, ours in ((False, found.raw), (True, found.scaled)):
        theirs = captum_infidelity(
            lambda x: model(x).logits, perturb, IMAGES, maps[:, None], target=target,
            n_perturb_samples=12, normalize=normalize,
        )  # fmt: skip
        assert torch.allclose(ours, theirs, rtol=1e-9)


def test_squares_have_the_sizes_of_the_paper_and_begin_on_tissue() -> None:
    images = pictures(2, size=56)
    valid = torch.zeros(2, 1, 56, 56, dtype=torch.bool)
    valid[..., 20:40, 10:50] = True
    areas = torch.cat([weights.flatten(1).sum(1) for weights, _ in Squares()(images, 300)])
    assert areas.max() == 20**2
    assert {(2 * parts) ** 2 for parts in range(1, 11)} <= set(areas.tolist())  # others are cut by the border
    for weights, changed in Squares()(images, 20, valid):
        assert weights.flatten(1).any(1).all()
        assert not (weights[:, None] & ~valid).any()
        assert torch.equal(changed[~weights[:, None]], images[~weights[:, None]])


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_batch_gives_the_same_infidelity(name: str) -> None:
    model, target = conv(), torch.tensor([0, 1, 1])
    maps = explainer("cam")(model, IMAGES, target)
    test = InfidelityTest(perturbation=PERTURBATIONS[name], samples=6)
    whole = infidelity(maps, test(model, IMAGES, target), signed=True)
    for i in range(3):
        alone = infidelity(maps[i : i + 1], test(model, IMAGES[i : i + 1], target[i : i + 1]), signed=True)
        assert torch.allclose(alone.unexplained, whole.unexplained[i : i + 1], atol=1e-9)


def test_undefined_maps_have_no_infidelity() -> None:
    maps = torch.rand(3, 6, 6)
    maps[0], maps[1, 0, 0] = 0, torch.nan
    found = infidelity(maps, InfidelityTest(samples=4)(conv(), IMAGES, TARGET), signed=False)
    for part in found:
        assert part.isnan().tolist() == [True, True, False]


def test_a_score_that_never_moves_cannot_be_explained() -> None:
    responses = InfidelityTest(samples=4)(
        LinearModel(torch.zeros(24, 24, dtype=torch.float64)), IMAGES, TARGET
    )
    found = infidelity(torch.rand(3, 24, 24), responses, signed=False)
    assert found.unexplained.isnan().all()
    assert found.scaled.eq(0).all()


def test_a_constant_explanation_is_not_sensitive() -> None:
    found = MaxSensitivity()(lambda *_: torch.ones(3, 2, 2), conv(), IMAGES, TARGET, signed=False)
    assert found.value.tolist() == [0, 0, 0]


def test_the_sensitivity_of_an_explanation_that_shows_the_image() -> None:
    """It moves as the image does: within the ball, near its edge somewhere, and nowhere outside [0, 1]."""
    images = torch.full((2, 1, 24, 24), 0.5, dtype=torch.float64)
    seen = []

    def explain(model: object, x: Tensor, target: Tensor) -> Tensor:
        seen.append(x)
        return x[:, 0]

    found = MaxSensitivity(radius=0.1, samples=20)(explain, conv(), images, TARGET[:2], signed=False)
    changes = [(x - images)[:, 0] for x in seen[1:]]
    by_hand = (
        torch.stack([change.flatten(1).norm(dim=1) for change in changes]).max(0).values / 12
    )  # 24 * 0.5
    assert torch.allclose(found.value, by_hand)
    assert 0.099 < torch.stack(changes).abs().max() <= 0.1
    bright = MaxSensitivity(radius=0.1)(explain, conv(), torch.ones_like(images), TARGET[:2], signed=False)
    assert max(float(x.max()) for x in seen) == 1
    assert bright.value.max() < found.value.min()


def test_sensitivity_against_captum() -> None:
    model, target = conv(), torch.tensor([0, 1, 1])
    grad_cam, seen = explainer("hirescam", layer="stem"), []

    def explain(net: object, x: Tensor, classes: Tensor) -> Tensor:
        seen.append(x)
        return grad_cam(net, x, classes)

    ours = MaxSensitivity(samples=5)(explain, model, IMAGES, target, signed=False)
    drawn = torch.stack(seen[1:], 1).flatten(0, 1)  # Captum repeats each image in turn
    theirs = sensitivity_max(
        lambda x, target: (grad_cam(model, x[0] if isinstance(x, tuple) else x, target)[:, None],),
        IMAGES, lambda _: drawn, n_perturb_samples=5, target=target,
    )  # fmt: skip
    assert torch.allclose(ours.value, theirs, rtol=1e-9)


def test_padding_is_left_alone_and_every_batch_gives_the_same_sensitivity() -> None:
    model, target = conv(), torch.tensor([0, 1, 1])
    valid = torch.ones(3, 1, 24, 24, dtype=torch.bool)
    valid[..., :8] = False
    cam, seen = explainer("cam"), []

    def explain(net: object, x: Tensor, classes: Tensor) -> Tensor:
        seen.append(x)
        return cam(net, x, classes)

    whole = MaxSensitivity(samples=4)(explain, model, IMAGES, target, signed=True, valid=valid)
    assert all(torch.equal(x[..., :8], IMAGES[..., :8]) for x in seen)
    for i in range(3):
        row = slice(i, i + 1)
        alone = MaxSensitivity(samples=4)(cam, model, IMAGES[row], target[row], signed=True, valid=valid[row])
        assert torch.allclose(alone.value, whole.value[row], atol=1e-9)


def test_a_map_that_vanishes_is_counted_and_has_no_sensitivity() -> None:
    calls = []

    def explain(model: object, x: Tensor, target: Tensor) -> Tensor:
        calls.append(x)
        maps = torch.ones(3, 2, 2)
        maps[0] = 0
        if len(calls) == 3:
            maps[1] = torch.nan
        return maps

    found = MaxSensitivity()(explain, conv(), IMAGES, TARGET, signed=False)
    assert found.value.isnan().tolist() == [True, True, False]
    assert found.vanished.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Noise(sigma=5.0), "intensities"),
        (lambda: InfidelityTest(samples=1), "samples"),
        (lambda: MaxSensitivity(radius=5.0), "radius"),
        (lambda: MaxSensitivity(samples=0), "samples"),
    ],
)
def test_what_cannot_be_is_told(make: object, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        make()
