"""What a user can get wrong, each answered in one line that says how to mend it."""

import subprocess
import sys
from collections.abc import Iterator

import jaxtyping
import pytest
import torch
from explainer_nets import batch, small
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.explainers.base import Explainer
from xaiaudit.explainers.cam import CAM
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.explainers.seg_grad_cam import SegGradCAM
from xaiaudit.models.audited import AuditedModel
from xaiaudit.tensors import Images, Outputs
from xaiaudit.types import Preprocessing

PLAIN = Preprocessing(size=16, channels=1, mean=(0.0,), std=(1.0,))
TARGET = torch.zeros(2, dtype=torch.int64)
IMAGES = torch.rand(2, 1, 16, 16)


def pooled(hidden: bool = False) -> AuditedModel:
    head = [nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)] if hidden else [nn.Linear(4, 2)]
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)
    return AuditedModel(net, preprocessing=PLAIN)


def test_names_are_looked_up_and_parameters_passed_on() -> None:
    assert explainer("grad-cam", layer="layer3") == GradCAM(layer="layer3")
    assert explainer("cam") == CAM()
    for name in EXPLAINERS:
        assert isinstance(explainer(name), Explainer)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("gradcam", {}, "no explainer 'gradcam'; did you mean grad-cam"),
        ("zzz", {}, "there are cam, grad-cam"),
        ("cam", {"layr": "x"}, "the explainer cam has no parameter 'layr'; it takes layer"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    name: str, parameters: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        explainer(name, **parameters)
    assert "\n" not in str(caught.value)


@pytest.fixture
def as_users_have_it() -> Iterator[None]:
    """Without the checks of shapes that the tests turn on."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("as_users_have_it")
@pytest.mark.parametrize("name", EXPLAINERS)
def test_targets_are_one_an_image_and_never_cut_short_in_silence(name: str) -> None:
    model, images = small(), batch(2)
    for target in (TARGET[:1], torch.zeros(3, dtype=torch.int64)):
        with pytest.raises(UsageError, match="one class for each of the 2 images"):
            explainer(name)(model, images, target)
    for wrong in (torch.tensor([0, 2]), torch.tensor([-1, 0])):
        with pytest.raises(UsageError, match="must lie in 0 to 1"):
            explainer(name)(model, images, wrong)


def test_seg_grad_cam_is_refused_without_a_mask_head() -> None:
    for ask in (SegGradCAM().explained, lambda model: SegGradCAM()(model, IMAGES, TARGET)):
        with pytest.raises(UsageError, match=r"this one has none: use grad-cam"):
            ask(pooled())
    with pytest.raises(UsageError, match="this one has none"):
        SegGradCAM(layer="conv")(Bare(), IMAGES, TARGET)


def test_cam_is_refused_where_it_is_not_defined() -> None:
    with pytest.raises(UsageError, match=r"one linear layer.*use grad-cam"):
        CAM()(pooled(hidden=True), IMAGES, TARGET)
    with pytest.raises(UsageError, match="not defined at '0', as the linear head reads '1': use grad-cam"):
        CAM(layer="0")(pooled(), IMAGES, TARGET)
    with pytest.raises(UsageError, match="not defined for Bare, which knows no linear head"):
        CAM(layer="conv")(Bare(), IMAGES, TARGET)
    assert GradCAM(layer="0")(pooled(hidden=True), IMAGES, TARGET).shape == (2, 14, 14)


class Bare(nn.Module):
    """A model that names no layer; keeps features as the protocol says."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.other = nn.Conv2d(1, 3, 3)

    def forward(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        kept = self.conv(images)
        found: dict[str, Tensor] = {"conv": kept, "other": self.other(images), "flat": kept.flatten(2)}
        return Outputs(logits=kept.mean((2, 3)), features={layer: found[layer] for layer in layers})


def test_a_model_without_a_layer_is_told_which_there_are() -> None:
    with pytest.raises(
        UsageError, match=r"no layer to explain in Bare: name one, layer=\.\.\., such as other, conv"
    ):
        GradCAM()(Bare(), IMAGES, TARGET)
    assert GradCAM(layer="conv")(Bare(), IMAGES, TARGET).shape == (2, 14, 14)


def test_features_that_cannot_be_explained() -> None:
    model = Bare()
    with pytest.raises(UsageError, match="does not depend on 'other'"):
        GradCAM(layer="other")(model, IMAGES, TARGET)
    with pytest.raises(UsageError, match=r"gives \(2, 3, 196\)"):
        GradCAM(layer="flat")(model, IMAGES, TARGET)
    with pytest.raises(UsageError, match=r"no features of 'conv' \(kept: none\)"):
        GradCAM(layer="conv").from_outputs(model, model(IMAGES), TARGET)
    with torch.no_grad():
        out = model(IMAGES, layers=("conv",))
    with pytest.raises(UsageError, match="carry no gradient"):
        GradCAM(layer="conv").from_outputs(model, out, TARGET)


def test_explainers_import_with_torch_alone() -> None:
    code = (
        "import sys; from xaiaudit.explainers.registry import EXPLAINERS, explainer;"
        "[explainer(name) for name in EXPLAINERS]; import xaiaudit.explainers.resize;"
        "print(sorted({'captum', 'pydantic', 'pyarrow', 'torchvision', 'timm', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
