"""The relatives of Grad-CAM: by hand on a linear toy, then against independent implementations on real networks."""

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam, LayerGradientXActivation
from explainer_nets import PLAIN, Doubled, batch, small
from real_nets import real
from torch import Tensor, nn

from xaiaudit.explainers.base import TracedExplainer
from xaiaudit.explainers.eigen_cam import EigenCAM
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models.audited import AuditedModel
from xaiaudit.models.thesis_mtl import thesis_mtl
from xaiaudit.tensors import Outputs

W = [[1.0, -1.0], [0.5, 2.0]]  # rows of class 0 and 1, on the features (x, 2x)
TARGETS = torch.tensor([1, 0])


def toy(name: str, target: int) -> tuple[Tensor, Tensor]:
    """The map, and the image that it is a multiple of."""
    images = batch(1)
    model = AuditedModel(Doubled(W).double(), preprocessing=PLAIN).double()
    return explainer(name)(model, images, torch.tensor([target])), images[:, 0]


@pytest.mark.parametrize(
    ("name", "target", "factor"),
    [
        ("hirescam", 1, 0.5 + 2 * 2.0),
        ("hirescam", 0, 0.0),  # 1 - 2 is negative everywhere
        ("layercam", 1, 0.5 + 2 * 2.0),
        ("layercam", 0, 1.0),  # the falling feature counts for nothing
        ("xgrad-cam", 1, 0.5 + 2 * 2.0),  # a constant gradient is its own mean, however it is weighted
        ("xgrad-cam", 0, 0.0),
    ],
)
def test_a_linear_toy_by_hand(name: str, target: int, factor: float) -> None:
    maps, x = toy(name, target)
    torch.testing.assert_close(maps, factor * x / x.numel())


@pytest.mark.parametrize(("target", "weights"), [(1, (0.5, 2.0)), (0, (1.0, 0.0))])
def test_grad_cam_plus_plus_of_a_linear_toy_by_hand(target: int, weights: tuple[float, float]) -> None:
    """g = w / cells everywhere, so each weight is cells * g / (2 + g * sum A) = w / (2 + w * mean A)."""
    maps, x = toy("grad-cam++", target)
    mean = float(x.mean())
    factor = sum(w / (2 + w * scale * mean) * scale for w, scale in zip(weights, (1, 2), strict=True))
    torch.testing.assert_close(maps, factor * x)


def test_eigen_cam_of_features_in_one_direction_is_their_length() -> None:
    maps, x = toy("eigen-cam", 0)
    torch.testing.assert_close(maps, 5**0.5 * x)


def close(ours: Tensor, theirs: Tensor) -> None:
    assert (ours.amax((1, 2)) > 0).any()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7 * float(theirs.abs().max()))


NETWORKS = pytest.mark.parametrize(
    ("architecture", "layer"),
    [("resnet18", "layer3"), ("densenet121", "features.transition2"), ("mobilenet_v2", "features.14")],
)


@NETWORKS
def test_hirescam_is_the_positive_part_of_captums_gradient_times_activation(
    architecture: str, layer: str
) -> None:
    model, net, images = real(architecture)
    oracle = LayerGradientXActivation(net, net.get_submodule(layer))
    theirs = oracle.attribute(model.normalise(images), target=TARGETS).detach().sum(1).relu()
    close(explainer("hirescam", layer=layer)(model, images, TARGETS), theirs)


@NETWORKS
@pytest.mark.parametrize(("name", "peer"), [("layercam", "LayerCAM"), ("xgrad-cam", "XGradCAM")])
def test_layercam_and_xgrad_cam_equal_torchcams(architecture: str, layer: str, name: str, peer: str) -> None:
    methods = pytest.importorskip("torchcam.methods")
    model, net, images = real(architecture)
    ours = explainer(name, layer=layer)(model, images, TARGETS)
    with getattr(methods, peer)(net, net.get_submodule(layer)) as oracle:
        scores = net(model.normalise(images).requires_grad_())
        (theirs,) = oracle(TARGETS.tolist(), scores, normalized=False)
    close(ours, theirs.detach())


@NETWORKS
def test_grad_cam_plus_plus_follows_the_paper_cell_by_cell(architecture: str, layer: str) -> None:
    """Equation 19 as it is printed, in NumPy. (torchcam 0.5 divides a copy, so that its alphas are g squared.)"""
    model, _, images = real(architecture)
    out = model(images.requires_grad_(), layers=(layer,))
    (g,) = torch.autograd.grad(out.class_score(TARGETS).sum(), out.features[layer])
    features, g = out.features[layer].detach().numpy(), g.numpy()
    total = features.sum((2, 3), keepdims=True)
    with np.errstate(invalid="ignore"):
        alpha = np.where(g == 0, 0, g**2 / (2 * g**2 + total * g**3))
    weights = (alpha * np.maximum(g, 0)).sum((2, 3), keepdims=True)
    theirs = np.maximum((weights * features).sum(1), 0)
    close(explainer("grad-cam++", layer=layer)(model, images.detach(), TARGETS), torch.from_numpy(theirs))


@NETWORKS
def test_eigen_cam_equals_the_first_component_of_numpy(architecture: str, layer: str) -> None:
    model, _, images = real(architecture)
    features = model(images, layers=(layer,)).features[layer].detach().numpy()
    maps = explainer("eigen-cam", layer=layer)(model, images, TARGETS)
    for ours, one in zip(maps, features, strict=True):
        cells = one.reshape(len(one), -1).T
        first = cells @ np.linalg.svd(cells, full_matrices=False)[2][0]
        theirs = np.maximum(first * np.sign(first.sum()), 0).reshape(one.shape[1:])
        close(ours[None], torch.from_numpy(theirs)[None])


class Painted(nn.Module):
    """The features (x, 2x), a constant class head, and the mask x - 0.5 + 3 * 2x."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Doubled(W).features

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.features(x)
        mask = features[:, :1] - 0.5 + 3 * features[:, 1:]
        return {"logits": torch.zeros(len(x), 2).to(x), "mask": mask}


def test_seg_grad_cam_of_a_linear_toy_by_hand() -> None:
    """d score / d A = (1, 3) on the mask and 0 elsewhere, so a_k is its share of the cells times (1, 3)."""
    model = AuditedModel(Painted().double(), preprocessing=PLAIN, cam_layer="features").double()
    images = batch(2)
    images[1] = 0.05  # 0.05 - 0.5 + 0.3 < 0 everywhere: an empty mask
    maps = explainer("seg-grad-cam")(model, images, TARGETS)
    share = ((7 * images[0, 0] - 0.5) >= 0).double().mean()
    assert 0 < share < 1
    torch.testing.assert_close(maps[0], share * 7 * images[0, 0])
    assert (maps[1] == 0).all()


def test_what_is_drawn_on_padding_has_no_part_in_seg_grad_cam() -> None:
    model = AuditedModel(Painted().double(), preprocessing=PLAIN, cam_layer="features").double()
    images = batch(2)
    valid = torch.ones_like(images, dtype=torch.bool)
    valid[:, :, :, 8:] = False
    marked = (7 * images[0, 0] - 0.5) >= 0
    inside = (marked & valid[0, 0]).double().mean()
    assert 0 < inside < marked.double().mean()
    made = explainer("seg-grad-cam")
    torch.testing.assert_close(made(model, images, TARGETS, valid=valid)[0], inside * 7 * images[0, 0])
    outputs = model(images, layers=made.needs(model))  # as an audit reads them
    read = made.from_outputs(model, outputs, TARGETS, valid=valid)
    torch.testing.assert_close(read[0], inside * 7 * images[0, 0])
    on_padding = torch.where(valid, torch.zeros_like(images), images)
    assert (made(model, on_padding, TARGETS, valid=valid) == 0).all()  # nothing is drawn on tissue: undefined


def test_seg_grad_cam_equals_captum_on_a_multi_task_network() -> None:
    torch.manual_seed(0)
    net = thesis_mtl(classes=2, channels=3, backbone="resnet18").double().eval()
    model, images = AuditedModel(net).double(), torch.rand(2, 1, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        net.decoder[-1].bias -= model(images).mask_logits.median()  # half of the pixels are in the mask

    def forward(x: Tensor) -> Tensor:
        logits = net(x)["mask"]
        return (logits * (logits >= 0)).sum((1, 2, 3))

    oracle = LayerGradCam(forward, net.get_submodule(model.cam_layer))
    theirs = oracle.attribute(model.normalise(images), relu_attributions=True).detach()[:, 0]
    close(explainer("seg-grad-cam")(model, images, TARGETS), theirs)


def test_a_dead_feature_map_leaves_the_map_of_the_others() -> None:
    """XGrad-CAM divides by the sum of a feature map, Grad-CAM++ by one with a gradient in it."""
    model, images = small(), batch()
    with torch.no_grad():
        model.net.norm.weight[2] = 0
        model.net.norm.bias[2] = -1
    for name in ("xgrad-cam", "grad-cam++", "hirescam", "layercam", "eigen-cam"):
        maps = explainer(name)(model, images, torch.tensor([0, 1, 0, 1]))
        assert maps.isfinite().all()
        assert maps.amax() > 0


def test_eigen_cam_of_features_that_are_not_finite_is_undefined_for_that_image_alone() -> None:
    class Given:
        cam_layer = "layer"

        def __call__(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
            return Outputs(torch.zeros(len(images), 2), features={"layer": images})

    features = torch.rand(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    features[1, 0, 0, 0] = torch.inf
    maps = EigenCAM()(Given(), features, torch.zeros(3, dtype=torch.int64))
    assert maps.isnan().all((1, 2)).tolist() == [False, True, False]
    assert maps[[0, 2]].isfinite().all()


@pytest.mark.parametrize(
    "name",
    # seg-grad-cam, which asks for a mask head, differs from grad-cam in the score alone
    [name for name in EXPLAINERS if isinstance(explainer(name), TracedExplainer) and name != "seg-grad-cam"],
)
def test_traced_maps_are_the_maps_with_the_way_back_to_the_image(name: str) -> None:
    """Their derivative along a random way is that of finite differences, in the last layer and in one before it."""
    model = small().double()
    images = batch(2).double()
    step = torch.randn(images.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for layer in (None, "first") if name != "cam" else (None,):
        made = explainer(name, **({} if layer is None else {"layer": layer}))
        x = images.clone().requires_grad_()
        maps = made.traced(model, model(x, made.needs(model)), TARGETS)
        assert torch.equal(maps.detach(), made(model, images, TARGETS))
        (grad,) = torch.autograd.grad((maps**2).sum(), x)
        sums = [(made(model, images + h * step, TARGETS) ** 2).sum() for h in (1e-6, -1e-6)]
        torch.testing.assert_close((grad * step).sum(), (sums[0] - sums[1]) / 2e-6, rtol=1e-4, atol=1e-7)
