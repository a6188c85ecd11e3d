"""The histogram-equalised channel by hand, its gradient, and a model that has one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xaiaudit.attacks.criteria.leave_decision import LeaveDecision
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, build, load, save
from xaiaudit.models.equalised import equalised
from xaiaudit.types import Preprocessing

MIXED = Preprocessing(size=16, channels=3, inputs=("grey", "equalised", "grey"))


def test_levels_are_spread_by_their_counts() -> None:
    grey = torch.tensor([10, 10, 20, 20, 20, 60, 60, 200]).view(1, 1, 2, 4) / 255
    # at or below: 2, 5, 7, 8; less the darkest 2, of 6
    wanted = np.round(np.array([0, 0, 3, 3, 3, 5, 5, 6]) / 6 * 255) / 255
    assert equalised(grey).flatten().numpy() == pytest.approx(wanted, abs=1e-7)


def test_padding_has_no_part_in_it() -> None:
    rng = np.random.default_rng(0)
    tissue = torch.from_numpy(rng.integers(1, 255, (1, 1, 6, 8))).float() / 255
    tissue[0, 0, 0, 0] = 0  # so that black is the darkest with and without padding
    padded = nn.functional.pad(tissue, (0, 0, 5, 5))
    assert torch.equal(equalised(padded)[:, :, 5:-5], equalised(tissue))
    assert not equalised(padded)[:, :, :5].any()


def test_images_of_a_batch_do_not_meet_and_a_constant_one_is_black() -> None:
    images = torch.stack((torch.rand(1, 5, 5), torch.full((1, 5, 5), 0.4)))
    both = equalised(images)
    assert torch.equal(both[:1], equalised(images[:1]))
    assert not both[1].any()


def test_the_gradient_passes_straight_through() -> None:
    grey = torch.rand(2, 1, 4, 4, requires_grad=True)
    weights = torch.rand(2, 1, 4, 4)
    (slopes,) = torch.autograd.grad((equalised(grey) * weights).sum(), grey)
    assert torch.equal(slopes, weights)


def test_a_model_with_an_equalised_channel(tmp_path: Path) -> None:
    net = build("small-cnn", classes=2, channels=3)
    model = AuditedModel(net, preprocessing=MIXED)
    images = (torch.rand(3, 1, 16, 16) * 255).round() / 255
    given = model.normalise(images)
    mean, std = torch.tensor(MIXED.mean).view(3, 1, 1), torch.tensor(MIXED.std).view(3, 1, 1)
    back = given * std + mean
    assert torch.allclose(back[:, 0], images[:, 0], atol=1e-6)
    assert torch.allclose(back[:, 1:2], equalised(images), atol=1e-6)
    save(model, tmp_path / "m.pt", architecture="small-cnn")
    again = load(tmp_path / "m.pt")
    assert again.preprocessing == MIXED
    assert torch.equal(again(images).logits, model(images).logits)
    # the channel is recomputed from every image that an attack tries
    with torch.no_grad():
        clean = model(images).logits
        found = IterativeFGSM(epsilon=0.1, steps=3)(model, images, LeaveDecision(clean))
        turned = model(found.images).logits.argmax(1) != clean.argmax(1)
    assert torch.equal(found.reached, turned)
    with pytest.raises(UsageError, match="are made inside the model"):
        model(images.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("inputs", [("grey", "equalised"), ("grey", "edges", "grey")])
def test_inputs_that_do_not_fit_are_refused(inputs: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="inputs name what each of the 3 channels shows"):
        Preprocessing(inputs=inputs)
