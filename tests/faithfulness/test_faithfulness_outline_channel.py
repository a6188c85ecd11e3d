"""Tests of maps of a network that is given the outlined lesion beside the image: they alter the image alone."""

import pytest
import torch
from torch import Tensor

from xaiaudit.faithfulness.canvas import KINDS, Canvas
from xaiaudit.faithfulness.definedness import real_pixels
from xaiaudit.faithfulness.max_sensitivity import MaxSensitivity
from xaiaudit.faithfulness.perturbations import Noise, Perturbation, Squares

IMAGES = torch.rand(2, 2, 28, 28, generator=torch.Generator().manual_seed(0))
VALID = torch.ones(2, 2, 28, 28, dtype=torch.bool)
VALID[:, 1] = False  # the outline is no image
VALID[:, 0, :, :4] = False  # and these columns are padding


def altered(changed: Tensor) -> tuple[bool, bool, bool]:
    """Of the image's real pixels, of its padding, of the outline."""
    moved = changed != IMAGES
    return bool(moved[:, 0, :, 4:].any()), bool(moved[:, 0, :, :4].any()), bool(moved[:, 1].any())


@pytest.mark.parametrize("kind", KINDS)
def test_a_canvas_keeps_the_outline(kind: str) -> None:
    assert altered(Canvas(kind=kind)(IMAGES, VALID)) == (True, False, False)
    alone = Canvas(kind=kind)(IMAGES[:, :1], VALID[:, :1])
    assert torch.equal(Canvas(kind=kind)(IMAGES, VALID)[:, :1], alone)


@pytest.mark.parametrize("perturbation", [Squares(), Noise()], ids=["squares", "noise"])
def test_a_perturbation_keeps_the_outline(perturbation: Perturbation) -> None:
    for _, changed in perturbation(IMAGES, 2, VALID, seeds=[1, 2]):
        assert altered(changed) == (True, False, False)


def test_max_sensitivity_moves_the_image_alone() -> None:
    seen: list[Tensor] = []

    def explain(_model: object, images: Tensor, _target: Tensor) -> Tensor:
        seen.append(images)
        return images[:, 0]

    test = MaxSensitivity(samples=2)
    test(
        explain,
        torch.nn.Identity(),
        IMAGES,
        torch.zeros(2, dtype=torch.int64),
        signed=False,
        valid=VALID,
        seeds=[1, 2],
    )
    assert [altered(images) for images in seen] == [(False,) * 3, *[(True, False, False)] * 2]


def test_real_pixels_are_those_of_the_image() -> None:
    assert torch.equal(real_pixels(IMAGES, VALID), VALID[:, 0])
