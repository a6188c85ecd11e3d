"""CAM and Grad-CAM: by hand on a linear toy, and CAM's ties to the score and to Grad-CAM."""

import pytest
import torch
from explainer_nets import PLAIN, Doubled, batch, small

from xaiaudit.explainers.cam import CAM
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.models.audited import AuditedModel


@pytest.mark.parametrize(
    ("weights", "target", "factor"),
    [
        ([[1.0, -1.0], [0.5, 2.0]], 1, (0.5 - 1.0) + 2 * (2.0 + 1.0)),  # (w1 - w0) . (x, 2x)
        ([[1.0, -1.0], [0.5, 2.0]], 0, (1.0 - 0.5) + 2 * (-1.0 - 2.0)),
        ([[3.0, 0.25]], 1, 3.5),  # one logit: z speaks for class 1
        ([[3.0, 0.25]], 0, -3.5),
        ([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.25]], 2, -0.5),  # more classes: the row alone
    ],
)
def test_cam_of_a_linear_toy_by_hand(weights: list[list[float]], target: int, factor: float) -> None:
    model = AuditedModel(
        Doubled(weights),
        classes=("benign", "malignant", "normal")[: max(2, len(weights))],
        preprocessing=PLAIN,
    )
    images = batch(1).float()
    maps = CAM()(model, images, torch.tensor([target]))
    torch.testing.assert_close(maps, factor * images[:, 0])


@pytest.mark.parametrize(
    ("weights", "target", "factor"),
    [
        ([[1.0, -1.0], [0.5, 2.0]], 1, 0.5 + 2 * 2.0),  # the logit of the class, alone
        ([[1.0, -1.0], [0.5, 2.0]], 0, 0.0),  # 1 - 2 is negative everywhere: no positive value is left
        ([[3.0, 0.25]], 1, 3.5),
        ([[-3.0, 0.25]], 0, 2.5),  # one logit: -z speaks for class 0
    ],
)
def test_grad_cam_of_a_linear_toy_by_hand(weights: list[list[float]], target: int, factor: float) -> None:
    model = AuditedModel(Doubled(weights), preprocessing=PLAIN)
    images = batch(1).float()
    maps = GradCAM()(model, images, torch.tensor([target]))
    torch.testing.assert_close(maps, factor * images[:, 0] / images[0, 0].numel())


@pytest.mark.parametrize("outputs", [1, 3])
def test_grad_cam_is_the_positive_part_of_cam_over_the_cells(outputs: int) -> None:
    model, images, target = small(outputs), batch(), torch.tensor([0, 1, 1, 0])
    signed = CAM()(model, images, target)
    torch.testing.assert_close(GradCAM()(model, images, target), signed.relu() / signed[0].numel())


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_the_mean_of_cam_is_the_score_without_its_bias(outputs: int) -> None:
    model, images = small(outputs), batch()
    with torch.no_grad():
        model.net.head.bias.zero_()
    out = model(images)
    for target in (0, 1):
        logits = out.logits
        score = logits[:, target] if outputs == 3 else logits[:, target] - logits[:, 1 - target]
        mean = CAM()(model, images, torch.full((4,), target)).mean((1, 2))
        torch.testing.assert_close(mean, score.detach())


@pytest.mark.parametrize("outputs", [1, 2])
def test_both_extremes_of_a_binary_decision_stand_in_one_signed_map(outputs: int) -> None:
    """The minimum of one class's map is the maximum of the other's (Byra 2022)."""
    model, images = small(outputs), batch()
    benign, malignant = (CAM()(model, images, torch.full((4,), target)) for target in (0, 1))
    torch.testing.assert_close(benign, -malignant)
    assert (malignant.flatten(1).argmin(1) == benign.flatten(1).argmax(1)).all()
    assert CAM().signed
