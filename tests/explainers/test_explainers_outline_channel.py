"""Explainers of a network that is given the outlined lesion beside the image: what it sees there is not the image's."""

import pytest
import torch

from xaiaudit.explainers.base import FromOutputs
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models import AuditedModel, build
from xaiaudit.types import Preprocessing

INPUTS = Preprocessing(
    size=64, channels=3, mean=(0.3, 0.3, 0.1), std=(0.2, 0.2, 0.3), inputs=("grey", "grey", "mask")
)
FEW = {"cameras": {"scales": 2}, "integrated-gradients": {"steps": 3}, "smoothgrad": {"samples": 2}}


@pytest.fixture(scope="module")
def blind() -> AuditedModel:
    """It sees the outline alone."""
    torch.manual_seed(0)
    net = build("small-cnn", classes=2, channels=3)
    with torch.no_grad():
        next(net.parameters())[:, :2] = 0
    return AuditedModel(net, classes=("benign", "malignant"), preprocessing=INPUTS)


@pytest.mark.parametrize("name", sorted(set(EXPLAINERS) - {"seg-grad-cam"}))  # which needs a mask head
def test_what_is_seen_in_the_outline_is_not_credited_to_the_image(blind: AuditedModel, name: str) -> None:
    made = explainer(name, **FEW.get(name, {}))
    images = torch.rand(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    images[:, 1] = 0
    images[:, 1, 20:40, 20:40] = 1
    valid = torch.ones(1, 2, 64, 64, dtype=torch.bool)
    valid[:, 1] = False
    layer = made.explained(blind)
    assert isinstance(made, FromOutputs) or made.forwards(blind, (64, 64)) > 1
    found = made(blind, images, torch.tensor([1]), valid=valid, seeds=[0])
    if layer == "image":
        assert not found.any()
    else:
        assert found.isfinite().all()
    if name == "score-cam":  # every map of the image gives the same score, so that all weigh the same
        features = blind(images, layers=(layer,)).features[layer]
        assert torch.allclose(found, features.mean(1).relu(), atol=1e-6)
