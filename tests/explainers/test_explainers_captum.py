"""Grad-CAM equals Captum's, and pictures of maps lie where the metrics measure them."""

import pytest
import torch
from captum.attr import LayerGradCam
from real_nets import real

from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.explainers.resize import resize
from xaiaudit.metrics.grids import upsample


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [
        ("resnet18", None),
        ("resnet18", "layer3.1.bn1"),  # an in-place ReLU follows
        ("densenet121", None),  # a functional in-place ReLU follows
        ("densenet121", "features.denseblock3.denselayer2.norm2"),
        ("mobilenet_v2", None),
        ("mobilenet_v2", "features.14.conv.0.1"),  # an in-place ReLU6 follows
    ],
)
def test_grad_cam_equals_captum(architecture: str, layer: str | None) -> None:
    # the network's order is not the model's
    model, net, images = real(architecture, classes=("malignant", "benign"))
    target = torch.tensor([1, 0])
    maps = GradCAM(layer=layer)(model, images, target)
    oracle = LayerGradCam(net, net.get_submodule(layer or model.cam_layer))
    theirs = oracle.attribute(model.normalise(images), target=1 - target, relu_attributions=True).detach()
    assert (maps.amax((1, 2)) > 0).all()
    torch.testing.assert_close(maps, theirs[:, 0], rtol=1e-5, atol=1e-12 * float(theirs.max()))


def test_pictures_and_metrics_see_maps_on_one_grid() -> None:
    maps = torch.rand(2, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(resize(maps, (20, 31)), torch.from_numpy(upsample(maps.numpy(), (20, 31))))
