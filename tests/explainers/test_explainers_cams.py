"""CAM and Grad-CAM: by hand on a linear toy, then what must hold for any network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.explainers.cam import CAM
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models.audited import AuditedModel
from xaiaudit.types import Preprocessing

PLAIN = Preprocessing(size=24, channels=1, mean=(0.0,), std=(1.0,))


class Small(nn.Module):
    """Two convolutions, in-place ReLUs, global average pooling, one linear layer."""

    def __init__(self, outputs: int, *, inplace: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 5, 3, stride=2, padding=1)
        self.first = nn.ReLU(inplace=inplace)
        self.last = nn.Conv2d(5, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=inplace)
        self.head = nn.Linear(6, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.last(self.first(self.stem(x)))))
        return self.head(x.mean((2, 3)))


class Doubled(nn.Module):
    """One channel of intensities becomes the features (x, 2x), which a linear layer reads."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.features = nn.Conv2d(1, 2, 1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2, len(weights))
        with torch.no_grad():
            self.features.weight.copy_(torch.tensor([1.0, 2.0]).view(2, 1, 1, 1))
            self.head.weight.copy_(torch.tensor(weights))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.features(x)).flatten(1))


class TwoHeads(Small):
    """A class head and a mask head, as a dictionary."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": super().forward(x), "mask": x * 2}


def small(
    outputs: int = 2, seed: int = 0, net: Callable[..., nn.Module] = Small, **options: bool
) -> AuditedModel:
    torch.manual_seed(seed)
    classes = ("benign", "malignant", "normal")[: max(outputs, 2)]
    return AuditedModel(net(outputs, **options).double(), classes=classes, preprocessing=PLAIN).double()


def batch(n: int = 4, h: int = 24, w: int = 24) -> Tensor:
    return torch.rand(n, 1, h, w, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


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


@pytest.mark.parametrize("name", EXPLAINERS)
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_a_batch_of_mixed_targets_gives_the_maps_of_each_image_alone(name: str, outputs: int) -> None:
    model, images, target = small(outputs), batch(5, 24, 40), torch.tensor([1, 0, 0, 1, 1])
    together = explainer(name)(model, images, target)
    assert together.shape == (5, 6, 10)  # rows and columns are not exchanged
    for i in range(5):
        alone = explainer(name)(model, images[i : i + 1], target[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-10, atol=1e-10)
    same = torch.allclose(together, explainer(name)(model, images, 1 - target))
    assert same == (name == "eigen-cam")  # which knows no class


@pytest.mark.parametrize("name", EXPLAINERS)
def test_nothing_is_left_on_the_model_or_the_images(name: str) -> None:
    model, images = small(), batch()
    model.net.stem.weight.requires_grad_(False)
    model.net.train()
    flags = [parameter.requires_grad for parameter in model.parameters()]
    maps = explainer(name)(model, images, torch.zeros(4, dtype=torch.int64))
    assert [parameter.requires_grad for parameter in model.parameters()] == flags
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert model.net.training
    assert images.grad is None
    assert not images.requires_grad
    assert not maps.requires_grad


@pytest.mark.parametrize("name", EXPLAINERS)
def test_frozen_models_and_callers_without_gradients(name: str) -> None:
    model, images, target = small(), batch(), torch.tensor([0, 1, 0, 1])
    expected = explainer(name)(model, images, target)
    model.net.requires_grad_(False)
    with model, torch.no_grad():
        torch.testing.assert_close(explainer(name)(model, images, target), expected)
    torch.testing.assert_close(explainer(name)(model, images.requires_grad_(), target), expected)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_maps_from_a_forward_that_an_attack_goes_on_with(name: str) -> None:
    model, target, made = small(), torch.tensor([0, 1, 0, 1]), explainer(name)
    images = batch().requires_grad_()
    out = model(images, layers=made.needs(model))
    maps = made.from_outputs(model, out, target)
    torch.testing.assert_close(maps, made(model, images, target))
    (slopes,) = torch.autograd.grad(out.class_score(target).sum(), images)  # the graph is still there
    assert slopes.abs().sum() > 0


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_model_of_two_outputs(name: str) -> None:
    images, target = batch(), torch.tensor([0, 1, 0, 1])
    torch.testing.assert_close(
        explainer(name)(small(net=TwoHeads), images, target), explainer(name)(small(), images, target)
    )


@pytest.mark.parametrize("layer", ["stem", "last", "norm"])
def test_an_in_place_relu_after_the_layer_changes_nothing(layer: str) -> None:
    images, target = batch(), torch.tensor([0, 1, 0, 1])
    maps = [GradCAM(layer=layer)(small(inplace=inplace), images, target) for inplace in (True, False)]
    torch.testing.assert_close(*maps, rtol=0, atol=0)
    assert maps[0].abs().sum() > 0


def test_the_map_lies_the_way_the_image_does() -> None:
    images = torch.zeros(1, 1, 24, 24)
    images[0, 0, 20, 3] = 1  # lower left
    model = AuditedModel(Doubled([[0.0, 0.0], [1.0, 1.0]]), preprocessing=PLAIN)
    for name in EXPLAINERS:
        (peak,) = torch.nonzero(explainer(name)(model, images, torch.tensor([1]))[0])
        assert peak.tolist() == [20, 3]
