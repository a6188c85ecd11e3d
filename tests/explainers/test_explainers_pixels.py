"""Explainers of pixels: closed forms, second implementations, padding, and each image's own draws."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from explainer_nets import PLAIN, Doubled, batch, small
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.explainers.integrated_gradients import IntegratedGradients
from xaiaudit.explainers.occlusion import Occlusion
from xaiaudit.explainers.on_image import OnImage
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.explainers.smoothgrad import SmoothGrad
from xaiaudit.models.audited import AuditedModel
from xaiaudit.tensors import Outputs

W = [
    [1.0, -1.0],
    [0.5, 2.0],
]  # rows of class 0 and 1, on the means of (x, 2x): slopes -1 and 4.5 over the pixels
PIXELS = [name for name in EXPLAINERS if isinstance(explainer(name), OnImage)]
TARGET = torch.tensor([1, 0])


def toy() -> AuditedModel:
    return AuditedModel(Doubled(W).double(), preprocessing=PLAIN).double()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (IntegratedGradients(steps=3), lambda x, slope: slope * x),
        (IntegratedGradients(steps=3, baseline=0.25), lambda x, slope: slope * (x - 0.25)),
        (SmoothGrad(samples=2), lambda x, slope: torch.full_like(x, abs(slope))),
        (Occlusion(window=1, stride=1), lambda x, slope: slope * x),
        (Occlusion(window=1, stride=1, baseline=0.5), lambda x, slope: slope * (x - 0.5)),
        (
            Occlusion(window=24, stride=24),
            lambda x, slope: slope * x.sum().expand_as(x),
        ),  # one window, the whole image
    ],
)
def test_a_linear_toy_by_hand(made: OnImage, expected: Callable[[Tensor, float], Tensor]) -> None:
    images = batch(2)
    maps = made(toy(), images, TARGET)
    for own, image, slope in zip(maps, images[:, 0], (4.5, -1.0), strict=True):
        torch.testing.assert_close(own, expected(image, slope / image.numel()), rtol=1e-5, atol=1e-9)


def score(model: AuditedModel, images: Tensor, target: Tensor) -> Tensor:
    return model(images).class_score(target)


@pytest.mark.parametrize("outputs", [1, 3])
def test_integrated_gradients_follow_the_paper_and_sum_to_the_rise_of_the_score(outputs: int) -> None:
    model, images = small(outputs), batch(2)
    base = torch.full_like(images, 0.3)
    maps = IntegratedGradients(steps=20, baseline=0.3)(model, images, TARGET)
    places, weights = np.polynomial.legendre.leggauss(20)
    total = torch.zeros_like(images)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        x = (base + float(place) * (images - base)).requires_grad_()
        total += float(weight) * torch.autograd.grad(score(model, x, TARGET).sum(), x)[0]
    torch.testing.assert_close(maps, ((images - base) * total)[:, 0], rtol=1e-5, atol=1e-9)
    many = IntegratedGradients(steps=400, baseline=0.3)(model, images, TARGET).sum((1, 2))
    rise = score(model, images, TARGET) - score(model, base, TARGET)
    torch.testing.assert_close(many, rise.detach(), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(("window", "stride"), [(5, 5), (7, 3)])
def test_occlusion_is_the_mean_fall_over_the_windows_that_hold_a_pixel(window: int, stride: int) -> None:
    model, images = small(), batch(2, 24, 31)
    maps = Occlusion(window=window, stride=stride, baseline=0.2)(model, images, TARGET)
    total, count = torch.zeros(2, 24, 31, dtype=torch.float64), torch.zeros(24, 31)
    rows, columns = (-(-(length - window) // stride) + 1 for length in (24, 31))
    for row in range(rows):
        for column in range(columns):
            here = (
                ...,
                slice(row * stride, row * stride + window),
                slice(column * stride, column * stride + window),
            )
            covered = images.clone()
            covered[here] = 0.2
            fall = score(model, images, TARGET) - score(model, covered, TARGET)
            total[here] += fall.detach()[:, None, None]
            count[here] += 1
    assert (count > 0).all()
    torch.testing.assert_close(maps, total / count, rtol=1e-5, atol=1e-9)


def test_smoothgrad_without_noise_is_the_gradient_and_with_noise_captums_mean() -> None:
    model, images = small(), batch(2)
    pixels = images.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(score(model, pixels, TARGET).sum(), pixels)
    torch.testing.assert_close(SmoothGrad(noise=0.0)(model, images, TARGET), slopes.abs()[:, 0])
    ours = SmoothGrad(noise=0.2, samples=500)(model, images, TARGET)
    torch.manual_seed(0)
    spread = float(images[0].max() - images[0].min())
    tunnel = NoiseTunnel(Saliency(lambda x: score(model, x, TARGET[:1].expand(len(x)))))
    theirs = tunnel.attribute(
        images[:1], nt_samples=500, nt_samples_batch_size=100, stdevs=0.2 * spread, abs=False
    )
    error = (ours[0] - theirs[0, 0].abs()).norm() / theirs.norm()
    plain = (slopes.abs()[0, 0] - theirs[0, 0].abs()).norm() / theirs.norm()
    assert error < 0.08 < plain  # the noise matters, and both agree on its mean


class Spy(nn.Module):
    """Keeps what it is shown; its class logits are those of another model."""

    def __init__(self, model: AuditedModel) -> None:
        super().__init__()
        self.model, self.seen, self.cam_layer = model, [], model.cam_layer

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        self.seen.append(images.detach().clone())
        return self.model(images, layers)


@pytest.mark.parametrize("name", PIXELS)
def test_padding_is_never_altered_and_has_no_relevance(name: str) -> None:
    spy, images = Spy(small()), batch(2)
    valid = torch.ones_like(images, dtype=torch.bool)
    valid[..., :7] = False
    valid[1, :, 20:] = False
    images = torch.where(valid, images, 0.4)  # not black, so that a black baseline would show
    maps = explainer(name)(spy, images, TARGET, valid=valid)
    assert (maps[~valid[:, 0]] == 0).all()
    assert maps[valid[:, 0]].any()
    for shown in spy.seen:
        assert (shown[..., :7] == 0.4).all()


def test_draws_of_smoothgrad_follow_the_seeds_that_are_given() -> None:
    """A changed image, explained with the seeds of the original, gets the same noise."""
    model, images = small(), batch(2)
    images[:, :, 0, 0], images[:, :, 0, 1] = 0.0, 1.0  # one range, so that the noise has one scale
    changed = images.clone()
    changed[:, :, 5:9, 5:9] = 0.5
    noise = []
    for one, seeds in ((images, [3, 4]), (changed, [3, 4]), (images, None), (changed, None)):
        spy = Spy(model)
        SmoothGrad(samples=2)(spy, one, TARGET, seeds=seeds)
        noise.append(spy.seen[-1] - one)
    torch.testing.assert_close(noise[0], noise[1])
    assert not torch.allclose(noise[2], noise[3])
    assert not torch.allclose(noise[0], noise[2])
    first, second = (SmoothGrad(samples=2, seed=seed)(model, images, TARGET) for seed in (0, 1))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("name", PIXELS)
def test_colour_perturbations_are_explained_in_one_map(name: str) -> None:
    images = batch(2).repeat(1, 3, 1, 1)

    class Grey(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()
            self.cam_layer = self.inner.cam_layer

        def forward(self, x: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
            return self.inner(x.mean(1, keepdim=True), layers)

    made = explainer(name, noise=0.0) if name == "smoothgrad" else explainer(name)
    grey = made(Grey().inner, batch(2), TARGET)
    torch.testing.assert_close(made(Grey(), images, TARGET), grey)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("occlusion", {"window": 0}, "window must be a whole number of at least 1, got 0"),
        ("occlusion", {"stride": 17}, "stride 17 is larger than window 16"),
        ("occlusion", {"baseline": 1.5}, r"baseline must lie in \[0, 1\], got 1.5"),
        ("integrated-gradients", {"steps": 0}, "steps must be a whole number"),
        ("smoothgrad", {"samples": 0}, "samples must be"),
        ("smoothgrad", {"noise": float("nan")}, "noise must lie"),
        ("cameras", {"scales": 0}, "scales must be"),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, parameters: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explainer(name, **parameters)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(UsageError, match="window 25 is larger than the image of 24 × 24 pixels"):
        Occlusion(window=25)(small(), batch(2), TARGET)
