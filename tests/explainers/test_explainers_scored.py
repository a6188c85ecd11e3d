"""Score-CAM and CAMERAS against second implementations."""

import numpy as np
import pytest
import torch
from explainer_nets import PLAIN, Small, batch, small
from real_nets import real
from torch import Tensor, nn
from torch.nn.functional import interpolate

from xaiaudit.errors import UsageError
from xaiaudit.explainers.cameras import CAMERAS
from xaiaudit.explainers.hirescam import HiResCAM
from xaiaudit.explainers.registry import explainer
from xaiaudit.explainers.score_cam import ScoreCAM
from xaiaudit.metrics.grids import upsample
from xaiaudit.models.audited import AuditedModel
from xaiaudit.types import Preprocessing

TARGET = torch.tensor([1, 0])


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_score_cam_follows_the_paper_map_by_map(outputs: int) -> None:
    """Algorithm 1 in NumPy, the baseline's score subtracted as it says."""
    model, images = small(outputs), batch(2, 24, 40)
    with torch.no_grad():
        model.net.norm.weight[2] = 0  # a flat feature map
        features = model(images, layers=("act",)).features["act"].numpy()
        expected = []
        for image, own, target in zip(images, features, TARGET, strict=True):
            rises = np.full(len(own), -np.inf)
            for k, feature in enumerate(own):
                mask = upsample(feature[None], (24, 40))[0]
                if np.ptp(mask) > 0:
                    mask = (mask - mask.min()) / np.ptp(mask)
                    seen = torch.stack((image * torch.from_numpy(mask), torch.zeros_like(image)))
                    score = model(seen).class_score(target.expand(2))
                    rises[k] = float(score[0] - score[1])
            weights = np.exp(rises) / np.exp(rises).sum()
            assert weights[2] == 0
            expected.append(np.maximum((weights[:, None, None] * own).sum(0), 0))
    maps = ScoreCAM(layer="act")(model, images, TARGET)
    torch.testing.assert_close(maps, torch.from_numpy(np.stack(expected)), rtol=1e-8, atol=1e-12)


class Fine(Small):
    """As many cells as pixels."""

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        self.stem = nn.Conv2d(1, 5, 3, padding=1)
        self.last = nn.Conv2d(5, 6, 3, padding=1)


def test_score_cam_equals_torchcams() -> None:
    """On a layer as fine as the image: torchcam 0.5 scales masks before it upsamples them, the paper after."""
    methods = pytest.importorskip("torchcam.methods")
    torch.manual_seed(0)
    net = Fine(2).double().eval()
    model = AuditedModel(net, preprocessing=PLAIN).double()
    with methods.ScoreCAM(net, net.act) as oracle:
        scores = net(batch(2))
        (theirs,) = oracle(TARGET.tolist(), scores, normalized=False)
    ours = ScoreCAM(layer="act")(model, batch(2), TARGET)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-9)


def test_score_cam_of_features_that_are_all_flat_is_zero() -> None:
    model = small()
    with torch.no_grad():
        model.net.norm.weight.zero_()
    maps = ScoreCAM(layer="act")(model, batch(2), TARGET)
    assert (maps == 0).all()


def test_cameras_of_one_size_is_hirescam_between_the_cells() -> None:
    """With one size both means are what was seen; with bilinear grids of one cell a pixel nothing is interpolated."""

    model = small(net=Fine)
    ours = CAMERAS(layer="last", scales=1)(model, batch(2), TARGET)
    torch.testing.assert_close(ours, HiResCAM(layer="last")(model, batch(2), TARGET))


def test_cameras_follows_the_authors_steps() -> None:
    layer = "layer3"
    model, net, images = real("resnet18")
    sizes = [round(96 * factor) for factor in (1, 324 / 224)]
    sums: list[Tensor] = [torch.zeros(()), torch.zeros(())]
    for size in sizes:
        seen = interpolate(images, size=(size, size), mode="bicubic").clamp(0, 1) if size != 96 else images
        kept: list[Tensor] = []
        handle = net.get_submodule(layer).register_forward_hook(
            lambda _m, _i, out, kept=kept: kept.append(out)
        )
        logits = net(model.normalise(seen))
        handle.remove()
        score = logits.gather(1, TARGET[:, None]).sum()
        (slopes,) = torch.autograd.grad(score, kept[0])
        for place, what in enumerate((kept[0].detach(), slopes)):
            sums[place] = sums[place] + interpolate(what, size=(96, 96), mode="bilinear") / len(sizes)
    expected = (sums[0] * sums[1]).sum(1).relu()
    assert expected.amax((1, 2)).gt(0).all()
    ours = CAMERAS(layer=layer, scales=2)(model, images, TARGET)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-9 * float(expected.max()))


def test_cameras_is_refused_where_a_network_takes_one_size_alone() -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 14 * 14, 2))
    model = AuditedModel(net, preprocessing=Preprocessing(size=16, channels=1, mean=(0.0,), std=(1.0,)))
    with pytest.raises(UsageError, match=r"this one takes none of 23 × 23 pixels .*: use grad-cam") as caught:
        CAMERAS().explained(model)
    assert "\n" not in str(caught.value)
    assert explainer("cameras", scales=1).explained(model) == "1"
