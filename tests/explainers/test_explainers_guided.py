"""Guided Grad-CAM: Captum's where Captum sees every ReLU, the same where it does not, and refusals."""

from collections.abc import Callable

import pytest
import torch
from captum.attr import GuidedGradCam
from explainer_nets import PLAIN, batch
from real_nets import real
from torch import Tensor, nn
from torch.nn import functional

from xaiaudit.errors import UsageError
from xaiaudit.explainers.guided_grad_cam import GuidedGradCAM
from xaiaudit.models.audited import AuditedModel

TARGET = torch.tensor([1, 0])


class Rectified(nn.Module):
    """Two convolutions, each followed by `act`."""

    def __init__(self, act: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 5, 3, stride=2, padding=1)
        self.last = nn.Conv2d(5, 6, 3, stride=2, padding=1)
        self.head = nn.Linear(6, 2)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.last(self.act(self.first(x)))).mean((2, 3)))


def wrapped(act: Callable[[Tensor], Tensor]) -> AuditedModel:
    return AuditedModel(Rectified(act).double(), preprocessing=PLAIN, cam_layer="last").double()


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize(
    ("architecture", "layer"),
    [("resnet18", "layer3"), ("squeezenet1_1", "features.9"), ("googlenet", "inception4e")],
)
def test_guided_grad_cam_equals_captum(architecture: str, layer: str) -> None:
    model, net, images = real(architecture)
    ours = GuidedGradCAM(layer=layer)(model, images, TARGET)
    replace_functional = (
        architecture == "googlenet"
    )  # its convolutions call functional.relu, which Captum misses
    theirs = GuidedGradCam(net, net.get_submodule(layer)).attribute(
        model.normalise(images).requires_grad_(), target=TARGET, interpolate_mode="bilinear"
    )
    grey = (
        (theirs / model.std).sum(1).abs()
    )  # d / d grey is the sum over channels of d / d normalised, over std
    assert ours.any()
    agree = torch.allclose(ours, grey, rtol=1e-5, atol=1e-9 * float(ours.max()))
    assert agree != replace_functional


@pytest.mark.parametrize(
    "act",
    [
        functional.relu,
        torch.relu,
        lambda x: x.relu(),
        lambda x: functional.relu(x, inplace=True),
        nn.ReLU(inplace=True),
        torch.jit.script(nn.ReLU()),
    ],
)
def test_a_relu_is_a_relu_however_it_is_written(act: Callable[[Tensor], Tensor]) -> None:
    expected = GuidedGradCAM()(wrapped(nn.ReLU()), batch(2), TARGET)
    assert expected.any()
    torch.testing.assert_close(GuidedGradCAM()(wrapped(act), batch(2), TARGET), expected)


def test_guided_backpropagation_by_hand() -> None:
    """relu(x) - 3 relu(2 x): the second falls with x, and guided backpropagation drops it at its ReLU."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Conv2d(1, 2, 1, bias=False)
            with torch.no_grad():
                self.features.weight.copy_(torch.tensor([1.0, 2.0]).view(2, 1, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            kept = self.features(x).relu()
            z = (kept[:, 0] + 1.0 * kept[:, 0] ** 2 - 0.03 * kept[:, 1]).mean((1, 2))
            return torch.stack((torch.zeros_like(z), z), dim=1)

    images = batch(1)
    model = AuditedModel(Two().double(), preprocessing=PLAIN, cam_layer="features").double()
    maps = GuidedGradCAM()(model, images, torch.tensor([1]))
    x, cells = images[:, 0], images.numel()
    slopes = torch.stack(((1 + 2 * x), torch.full_like(x, -0.03))) / cells  # to relu(A_1), relu(A_2)
    weights = slopes.mean((2, 3))
    cam = (weights[0] * x + weights[1] * 2 * x).relu()
    torch.testing.assert_close(maps, cam * slopes[0])  # the second's slope is dropped


def test_relu6_is_guided_too() -> None:
    """In range, ReLU6 is a ReLU."""
    torch.testing.assert_close(
        GuidedGradCAM()(wrapped(nn.ReLU6()), batch(2), TARGET),
        GuidedGradCAM()(wrapped(nn.ReLU()), batch(2), TARGET),
    )


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        return x.relu()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, slopes: Tensor) -> Tensor:
        return slopes


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (nn.Identity(), "this one has none"),
        (nn.SiLU(), "has SiluBackward0"),
        (nn.GELU(), "has GeluBackward0"),
        (nn.Hardswish(), "has HardswishBackward0"),
        (nn.LeakyReLU(), "has LeakyReluBackward0"),
        (nn.ELU(), "has EluBackward0"),
        (nn.PReLU().double(), "has PreluKernelBackward0"),
        (nn.Hardtanh(), "has HardtanhBackward0"),
        (lambda x: x.clamp(min=0), "has Clamp"),
        (lambda x: torch.maximum(x, x.new_zeros(())), "has MaximumBackward0"),
        (lambda x: functional.silu(x.relu()), "has SiluBackward0"),  # beside a ReLU too
        (Own.apply, "has OwnBackward"),
    ],
)
def test_other_non_linear_layers_are_refused_not_passed_as_plain_gradients(
    act: Callable[[Tensor], Tensor], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        GuidedGradCAM()(wrapped(act), batch(2), TARGET)
    assert "\n" not in str(caught.value)
