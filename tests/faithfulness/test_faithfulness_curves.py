"""Deletion and insertion: the canvas, the order of pixels and the curve by hand; then what must hold for any model."""

import math

import numpy as np
import pytest
import torch
from faithfulness_nets import LinearModel, conv, pictures

from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import explainer
from xaiaudit.faithfulness import (
    Canvas,
    InfidelityTest,
    MaxSensitivity,
    PixelCurve,
    infidelity,
    random_maps,
)
from xaiaudit.faithfulness.orders import removal_order

IMAGE = torch.tensor([[0.8, 0.2], [0.4, 0.6]], dtype=torch.float64).view(1, 1, 2, 2)
WEIGHTS = torch.tensor([[2.0, -1.0], [3.0, 0.5]], dtype=torch.float64)
ONE = torch.tensor([1])
LEFT = torch.tensor([[True, False], [True, False]]).view(1, 1, 2, 2)


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def test_black_and_mean_by_hand() -> None:
    assert Canvas(kind="zero")(IMAGE).eq(0).all()
    assert Canvas(kind="mean")(IMAGE).flatten().tolist() == pytest.approx([0.5] * 4)
    assert Canvas(kind="mean")(IMAGE, LEFT).flatten().tolist() == pytest.approx([0.6, 0.2, 0.6, 0.6])


def test_a_blur_by_hand() -> None:
    weight = math.exp(
        -1 / (2 * (0.5 * 2) ** 2)
    )  # sigma is half of two pixels; neighbours lie one pixel apart
    blurred = Canvas(sigma=0.5)(IMAGE)
    expected = (0.8 + weight * (0.2 + 0.4) + weight**2 * 0.6) / (1 + 2 * weight + weight**2)
    assert blurred[0, 0, 0, 0].item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["blur", "mean", "zero"])
def test_padding_stays_and_lends_nothing(kind: str) -> None:
    images = torch.full((1, 1, 12, 12), 0.3, dtype=torch.float64)
    valid = torch.ones(1, 1, 12, 12, dtype=torch.bool)
    valid[..., :4, :] = False
    images[~valid] = 0.9
    emptied = Canvas(kind=kind)(images, valid)
    assert (emptied[~valid] == 0.9).all()
    assert torch.allclose(emptied[valid], torch.tensor(0.0 if kind == "zero" else 0.3, dtype=torch.float64))


def test_pixels_go_by_falling_relevance() -> None:
    maps = torch.tensor([[[0.1, 4.0], [-2.0, 3.0]]])
    assert removal_order(maps, IMAGE).tolist() == [[[2, 0], [3, 1]]]
    assert removal_order(maps, IMAGE, LEFT).tolist() == [[[0, -1], [1, -1]]]


def test_a_deletion_by_hand() -> None:
    """w . x of the image is 1.6 - 0.2 + 1.2 + 0.3 = 2.9; the map deletes 1.6, then 0.3, then 1.2, then -0.2."""
    maps = torch.tensor([[[4.0, -1.0], [2.0, 3.0]]])
    curve = PixelCurve(way="deletion", canvas=Canvas(kind="zero"), steps=4)(
        LinearModel(WEIGHTS), IMAGE, ONE, maps, signed=True
    )
    heights = [sigmoid(z) for z in (2.9, 1.3, 1.0, -0.2, 0.0)]
    assert curve.shares.tolist() == [[0, 0.25, 0.5, 0.75, 1]]
    assert curve.probability[0].tolist() == pytest.approx(heights)
    assert curve.area.item() == pytest.approx(sum(heights[1:4]) / 4 + (heights[0] + heights[4]) / 8)


def test_an_insertion_by_hand() -> None:
    maps = torch.tensor([[[4.0, -1.0], [2.0, 3.0]]])
    curve = PixelCurve(way="insertion", canvas=Canvas(kind="zero"), steps=2)(
        LinearModel(WEIGHTS), IMAGE, ONE, maps, signed=True
    )
    heights = [sigmoid(z) for z in (0.0, 1.9, 2.9)]
    assert curve.probability[0].tolist() == pytest.approx(heights)
    assert curve.area.item() == pytest.approx(sum(heights) / 2 - (heights[0] + heights[2]) / 4)


def test_the_class_of_each_image_is_its_own() -> None:
    maps = torch.tensor([[[4.0, -1.0], [2.0, 3.0]]]).repeat(2, 1, 1)
    both = PixelCurve(way="deletion", steps=4)(
        LinearModel(WEIGHTS), IMAGE.repeat(2, 1, 1, 1), torch.tensor([0, 1]), maps, signed=True, seeds=[5, 5]
    )
    assert torch.allclose(both.probability.sum(0), torch.ones(5, dtype=torch.float64))


def test_padding_is_neither_changed_nor_counted() -> None:
    """Of two real pixels, one a step; the padded ones keep their -0.2 and 0.3."""
    curve = PixelCurve(way="deletion", canvas=Canvas(kind="zero"), steps=2)(
        LinearModel(WEIGHTS), IMAGE, ONE, torch.tensor([[[1.0, 9.0], [2.0, 8.0]]]), signed=True, valid=LEFT
    )
    assert curve.probability[0].tolist() == pytest.approx([sigmoid(z) for z in (2.9, 1.7, 0.1)])
    none = PixelCurve(way="deletion")(
        LinearModel(WEIGHTS), IMAGE, ONE, torch.rand(1, 2, 2), signed=True, valid=torch.zeros_like(LEFT)
    )
    assert none.area.isnan().all()


def test_ties_favour_no_place_and_a_map_that_is_all_tie_is_its_own_control() -> None:
    images = pictures(200, size=8)
    ranks = removal_order(torch.zeros(200, 2, 2), images).double()
    assert ranks.mean(0).sub(31.5).abs().max() < 5  # of 64: standard error 1.3
    assert torch.equal(
        removal_order(torch.ones(200, 2, 2), images), removal_order(torch.zeros(200, 2, 2), images)
    )
    control = random_maps(images, (2, 2))
    assert torch.equal(removal_order(torch.zeros(200, 2, 2), images), removal_order(control, images))


def test_ties_come_from_the_seed_and_not_from_the_batch() -> None:
    images, maps = pictures(4), torch.zeros(4, 3, 3)
    whole = removal_order(maps, images, seeds=[1, 2, 3, 4])
    assert torch.equal(whole[2:3], removal_order(maps[2:3], images[2:3], seeds=[3]))
    assert not torch.equal(whole[2:3], removal_order(maps[2:3], images[2:3], seeds=[4]))


@pytest.mark.parametrize("way", ["deletion", "insertion"])
def test_every_batch_gives_the_same_curve(way: str) -> None:
    model, images = conv(), pictures(5)
    target = torch.tensor([0, 1, 1, 0, 1])
    maps = explainer("cam")(model, images, target)
    curve = PixelCurve(way=way, steps=7)
    whole = curve(model, images, target, maps, signed=True)
    alone = [
        curve(model, images[i : i + 1], target[i : i + 1], maps[i : i + 1], signed=True) for i in range(5)
    ]
    assert torch.allclose(whole.probability, torch.cat([one.probability for one in alone]), atol=1e-12)
    assert torch.allclose(whole.area, torch.cat([one.area for one in alone]), atol=1e-12)


@pytest.mark.parametrize("way", ["deletion", "insertion"])
def test_a_curve_runs_between_image_and_canvas(way: str) -> None:
    model, images, target = conv(), pictures(3), torch.tensor([0, 1, 1])
    canvas = Canvas()(images)
    curve = PixelCurve(way=way)(model, images, target, torch.rand(3, 6, 6), signed=False)
    ends = [model(x).logits.softmax(1).gather(1, target[:, None])[:, 0] for x in (images, canvas)]
    first, last = ends if way == "deletion" else ends[::-1]
    assert torch.allclose(curve.probability[:, 0], first)
    assert torch.allclose(curve.probability[:, -1], last)


def test_undefined_maps_have_no_curve_and_disturb_no_other() -> None:
    model, images, target = conv(), pictures(4), torch.tensor([0, 1, 1, 0])
    maps = torch.rand(4, 6, 6)
    curve = PixelCurve(way="deletion", steps=3)
    clean = curve(model, images, target, maps, signed=False)
    broken = maps.clone()
    broken[0], broken[1, 2, 2], broken[2] = 0, torch.nan, -1
    found = curve(model, images, target, broken, signed=False)
    assert found.area.isnan().tolist() == [True, True, True, False]
    assert found.probability.isnan().all(1).tolist() == [True, True, True, False]
    assert found.area[3] == clean.area[3]


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan])
def test_a_map_that_is_not_finite_has_no_curve_and_no_infidelity(value: float) -> None:
    model, images, target = conv(), pictures(2), torch.tensor([0, 1])
    maps = torch.rand(2, 6, 6)
    maps[0, 2, 3] = value
    area = PixelCurve(way="deletion", steps=2)(model, images, target, maps, signed=False).area
    assert area.isnan().tolist() == [True, False]
    told = infidelity(maps, InfidelityTest(samples=3)(model, images, target), signed=False)
    assert all(part.isnan().tolist() == [True, False] for part in told)


def test_a_map_that_is_one_value_on_the_real_pixels_is_undefined_whatever_stands_in_padding() -> None:
    """A signed map of pixels is 0 in padding, which is no second value of it: nothing ranks its real pixels."""
    model, images, target = LinearModel(WEIGHTS), IMAGE.expand(2, 1, 2, 2), torch.tensor([1, 1])
    valid = LEFT.expand(2, 1, 2, 2)
    maps = torch.tensor([[[0.7, 0.0], [0.7, 0.0]], [[0.7, 0.0], [0.6, 0.0]]])
    told = valid[:, 0].numpy()
    curve = PixelCurve(way="deletion", steps=2)
    area = curve(model, images, target, maps, signed=True, valid=valid, within=told).area
    assert area.isnan().tolist() == [True, False]
    found = infidelity(maps, InfidelityTest(samples=3)(model, images, target), signed=True, within=told)
    assert found.raw.isnan().tolist() == [True, False]
    moved = MaxSensitivity(samples=2)(lambda *_: maps, model, images, target, signed=True, within=told)
    assert moved.value.isnan().tolist() == [True, False]
    assert moved.vanished.tolist() == [False, False]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Canvas(kind="grey"), "blur, mean, zero"),
        (lambda: Canvas(sigma=20.0), "share"),
        (lambda: PixelCurve(way="removal"), "deletion or an insertion"),
        (lambda: PixelCurve(way="deletion", steps=0), "steps"),
    ],
)
def test_what_cannot_be_is_told(make: object, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        make()


def test_as_the_authors_compute_it() -> None:
    """Their loop, by sorting and overwriting, on maps without ties."""
    model, images, target = conv(), pictures(3), torch.tensor([0, 1, 1])
    rng = np.random.default_rng(0)
    maps = torch.from_numpy(rng.permutation(3 * 576).reshape(3, 24, 24).astype(float))
    found = PixelCurve(way="deletion", canvas=Canvas(kind="zero"), steps=18)(
        model, images, target, maps, signed=False
    )
    start = images.clone().numpy().reshape(3, 576)
    order = np.flip(np.argsort(maps.numpy().reshape(3, 576), axis=1), axis=1)
    for step in range(19):
        logits = model(torch.from_numpy(start.reshape(3, 1, 24, 24))).logits
        probability = logits.softmax(1)[torch.arange(3), target]
        assert torch.allclose(found.probability[:, step], probability)
        np.put_along_axis(start, order[:, 32 * step : 32 * (step + 1)], 0, axis=1)
    scores = found.probability[0].numpy()
    area = (scores.sum() - scores[0] / 2 - scores[-1] / 2) / (len(scores) - 1)
    assert found.area[0].item() == pytest.approx(area)
