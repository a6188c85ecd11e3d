"""Detectors part by part: by hand, and beside torchvision's own."""

import math

import pytest
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import box_iou

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.detection import ft_mtl
from xaiaudit.models.detection.detector import Detector
from xaiaudit.models.detection.drawn import BLANK, draw, margins, pasted
from xaiaudit.models.detection.mask_rcnn import MaskRCNN
from xaiaudit.models.detection.targets import Target
from xaiaudit.models.detection.veto import veto
from xaiaudit.tensors import Boxes
from xaiaudit.types import Preprocessing

SMALL = {"backbone": "small-cnn", "smallest_anchor": 8}


def made(name: str, seed: int = 0, **arguments: object) -> Detector:
    torch.manual_seed(seed)
    net = build(name, classes=2, channels=1, **{**SMALL, **arguments})
    assert isinstance(net, Detector)
    return net.eval()


def images(n: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(7))


def boxes(score: list[float], label: list[int], xyxy: list[list[float]]) -> Boxes:
    odds = torch.tensor(score).logit()
    return Boxes(torch.tensor(xyxy).reshape(-1, 4), torch.tensor(score), torch.tensor(label), odds)


def test_margins_are_log_odds_of_softmax_and_never_saturate() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [-3.0, 0.5, 0.5]])
    torch.testing.assert_close(margins(logits).sigmoid(), logits.softmax(1)[:, 1:])
    sure = margins(torch.tensor([[0.0, 0.0, 100.0]], requires_grad=True))
    assert sure[0, 1].item() == pytest.approx(100 - math.log(2), rel=1e-6)
    assert sure[0, 0].item() == pytest.approx(-100, rel=1e-6)


@pytest.mark.parametrize(
    ("benign", "malignant", "score"),
    [
        ([0.9, 0.1], [0.05, 0.6], 0.6),  # one malignant box, however sure a benign one is
        ([0.1, 0.2], [0.8, 0.7], 0.8),  # the highest
        ([0.9, 0.6], [0.05, 0.3], 0.1),  # none: 1 - the highest benign score
        ([0.4, 0.3], [0.2, 0.35], 0.35),  # nothing found: the likeliest, under one half
        ([0.5, 0.1], [0.2, 0.1], 0.5),
        ([0.1, 0.1], [0.5, 0.1], 0.5),
    ],
)
def test_the_veto_by_hand(benign: list[float], malignant: list[float], score: float) -> None:
    odds = torch.tensor([benign, malignant], dtype=torch.float64).logit().T
    assert veto([odds]).sigmoid().item() == pytest.approx(score, abs=1e-12)
    assert (veto([odds]).item() >= 0) == (max(malignant) >= 0.5 or score == 0.5)


def test_boxes_are_drawn_as_torchvision_draws_them() -> None:
    generator = torch.Generator().manual_seed(3)
    regions, size = 40, (60, 80)
    corner = 60 * torch.rand(regions, 2, generator=generator)
    proposals = torch.cat((corner, corner + 5 + 30 * torch.rand(regions, 2, generator=generator)), 1)
    logits = 2 * torch.randn(regions, 3, generator=generator)
    deltas = 0.5 * torch.randn(regions, 12, generator=generator)
    theirs = RoIHeads(None, None, None, 0.5, 0.5, 64, 0.25, (10.0, 10.0, 5.0, 5.0), 0.0, 0.5, 20)
    want_boxes, want_scores, want_labels = theirs.postprocess_detections(logits, deltas, [proposals], [size])
    of_class = theirs.box_coder.decode(deltas, [proposals])[:, 1:]
    got, rows = draw(of_class, margins(logits), size)
    torch.testing.assert_close(got.xyxy, want_boxes[0])
    torch.testing.assert_close(got.score, want_scores[0])
    torch.testing.assert_close(got.label + 1, want_labels[0])
    torch.testing.assert_close(got.score, logits.softmax(1)[rows, got.label + 1])
    assert len(rows) == 20


def test_masks_are_pasted_where_boxes_that_count_are() -> None:
    drawn = boxes([0.9, 0.6, 0.4], [1, 0, 1], [[10, 20, 30, 40], [20, 20, 40, 40], [50, 50, 60, 60]])
    masks = torch.stack([torch.full((28, 28), value) for value in (0.8, 0.3, 0.9)])
    own = pasted(masks, drawn, (64, 64)).sigmoid()[0]
    torch.testing.assert_close(own[25:35, 13:27], torch.full((10, 14), 0.8))  # the likelier of two
    torch.testing.assert_close(own[25:35, 33:37], torch.full((10, 4), 0.3))
    assert own[50:60, 50:60].max().item() == pytest.approx(BLANK)  # fainter than one half
    none = pasted(masks[2:], Boxes(*(part[2:] for part in drawn)), (64, 64))
    assert none.shape == (1, 64, 64)
    assert none.sigmoid().max().item() == pytest.approx(BLANK)


def test_the_weights_of_the_transfer_are_as_few_as_the_paper_counts() -> None:
    with_it, without = made("ft-mtl-net"), made("ft-mtl-net", transfer=False)
    assert isinstance(with_it, ft_mtl.FTMTLNet)
    assert isinstance(without, ft_mtl.FTMTLNet)
    assert with_it.classifier.weight.numel() - without.classifier.weight.numel() == 768
    same = made("ft-mtl-net", reweight=False)
    assert sum(p.numel() for p in same.parameters()) == sum(p.numel() for p in with_it.parameters())


def test_the_transfer_by_hand() -> None:
    handed = torch.zeros(1, 2, 28, 28)
    handed[0, 0, 4, 4], handed[0, 0, 5, 5], handed[0, 1, 0, 0] = 3.0, 5.0, 7.0
    assert torch.allclose(
        ft_mtl.transferred(handed, None), torch.tensor([[5.0, 7.0]]) / 196
    )  # 3 and 5 share a window
    logits = torch.full((1, 2, 28, 28), -1e9)
    logits[0, 1, 4, 4], logits[0, 0, 5, 5], logits[0, 1, 5, 5] = 1e9, 0.0, -2.0
    # 3 x 1 is larger than 5 x max(sigmoid(0), sigmoid(-2)) = 2.5
    assert torch.allclose(ft_mtl.transferred(handed, logits), torch.tensor([[3.0, 0.0]]) / 196)


def test_the_shapes_of_the_paper() -> None:
    """512 x 512 pixels, ResNet-50: θ0 of 32 x 32 x 1024, θ1 of 7 x 7, θ4 of 28 x 28 x 256, θ6 of 1280."""
    torch.manual_seed(0)
    net = build("ft-mtl-net", classes=2, channels=1)
    assert isinstance(net, ft_mtl.FTMTLNet)
    net.eval()
    with torch.no_grad():
        shared = net.shared(torch.rand(1, 1, 512, 512))
        assert shared.shape == (1, 1024, 32, 32)
        features = net.pooled(shared, [torch.tensor([[10.0, 10.0, 200.0, 150.0]])], (512, 512))
        assert features.shape == (1, 1024, 7, 7)
        handed, masks = net.segmentation(features)
    assert (handed.shape, masks.shape) == ((1, 256, 28, 28), (1, 2, 28, 28))
    assert net.classifier.weight.shape == (3, 1280)
    assert net.box.weight.shape == (4, 1024)
    assert not [name for name, _ in net.named_parameters() if "layer4" in name or "fc" in name]


def test_mask_rcnn_finds_what_torchvisions_finds() -> None:
    """The same weights in torchvision's own model, whose transform is told to change nothing."""
    net = made("mask-rcnn")
    assert isinstance(net, MaskRCNN)
    nn.init.normal_(
        net.roi.box_predictor.cls_score.weight, std=0.5
    )  # scores so far apart that rounding sorts none

    class Shared(nn.Module):
        out_channels = net.shared.width

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"0": net.shared(x)}

    theirs = TheirMaskRCNN(
        Shared(), 3, min_size=64, max_size=64, image_mean=[0.0], image_std=[1.0],
        rpn_anchor_generator=net.proposals.anchor_generator,
        box_roi_pool=net.roi.box_roi_pool, mask_roi_pool=net.roi.mask_roi_pool, box_detections_per_img=20,
        box_score_thresh=0.0,
        rpn_pre_nms_top_n_test=1000, rpn_post_nms_top_n_test=100,
    )  # fmt: skip
    theirs.rpn.head.load_state_dict(net.proposals.head.state_dict())
    theirs.roi_heads.load_state_dict(net.roi.state_dict())
    x = images()
    with torch.no_grad():
        ours, want = net(x), theirs.eval()(list(x))
    for drawn, their in zip(ours["boxes"], want, strict=True):
        assert len(drawn.score) == len(their["scores"]) > 0
        torch.testing.assert_close(drawn.xyxy, their["boxes"])
        torch.testing.assert_close(drawn.score, their["scores"])
        torch.testing.assert_close(drawn.label + 1, their["labels"])


@pytest.mark.parametrize("name", ["ft-mtl-net", "mask-rcnn"])
def test_an_image_gets_the_same_whatever_is_beside_it(name: str) -> None:
    model = AuditedModel(made(name), preprocessing=grey())
    x = images(3)
    together, alone = model(x), [model(x[row : row + 1]) for row in range(3)]
    for row in range(3):
        torch.testing.assert_close(together.logits[row], alone[row].logits[0])
        own = alone[row].boxes
        assert together.boxes is not None
        assert own is not None
        torch.testing.assert_close(together.boxes[row].xyxy, own[0].xyxy, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", ["ft-mtl-net", "mask-rcnn"])
def test_gradients_reach_the_image_through_decision_mask_and_boxes(name: str) -> None:
    model = AuditedModel(made(name), preprocessing=grey())
    x = images(1).requires_grad_()
    out = model(x, ("shared",))
    assert out.boxes is not None
    assert out.boxes[0].margin.requires_grad
    (gradient,) = torch.autograd.grad(out.logits[:, 1].sum() + out.boxes[0].margin.sum(), x)
    assert bool(gradient.isfinite().all())
    assert gradient.abs().max() > 0


def test_labels_follow_the_order_of_the_classes() -> None:
    net = made("mask-rcnn")
    usual = AuditedModel(net, preprocessing=grey())
    turned = AuditedModel(net, classes=("malignant", "benign"), preprocessing=grey())
    one, other = usual(images()).boxes, turned(images()).boxes
    assert one is not None
    assert other is not None
    for own, swapped in zip(one, other, strict=True):
        assert torch.equal(own.label, 1 - swapped.label)


def test_images_without_a_lesion_have_losses_too() -> None:
    size = 64
    mask = torch.zeros(1, size, size, dtype=torch.uint8)
    mask[:, 10:40, 20:50] = 1
    lesion: Target = {
        "boxes": torch.tensor([[20.0, 10.0, 50.0, 40.0]]),
        "labels": torch.tensor([2]),
        "masks": mask,
    }
    none: Target = {
        "boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "masks": mask[:0],
    }  # fmt: skip
    for name in ("ft-mtl-net", "mask-rcnn"):
        net = made(name).train()
        for wanted in ([lesion, none], [none, none]):
            losses = net.losses(images(), wanted)
            assert set(losses) == {"objectness", "rpn_box", "class", "box", "mask"}
            total = torch.stack(list(losses.values())).sum()
            assert bool(total.isfinite())
            total.backward()
    assert set(net.losses(images(), [lesion, none], heads=False)) == {"objectness", "rpn_box"}
    with pytest.raises(ValueError, match="training mode"):
        net.eval().losses(images(), [lesion, none])


def test_an_image_of_which_nothing_is_proposed_gets_a_decision() -> None:
    net = made("ft-mtl-net")
    nn.init.constant_(net.proposals.head.bbox_pred.bias, -50.0)  # boxes of no size
    nn.init.constant_(net.proposals.head.bbox_pred.weight, 0.0)
    out = net(images())
    assert bool(out["logits"].isfinite().all())
    regions = net.regions(net.shared(images()), [torch.tensor([[5.0, 5.0, 5.0, 5.0]])] * 2, (64, 64))
    assert all(len(found.class_logits) == 1 for found in regions)


def test_regions_do_not_lie_upon_one_another() -> None:
    net = made("ft-mtl-net")
    shared = net.shared(images(1))
    proposals, _ = net.proposals.of(images(1), shared)
    (found,) = net.regions(shared, proposals, (64, 64))
    assert 1 <= len(found.boxes) <= ft_mtl.REGIONS
    overlap = box_iou(found.boxes[:, 0], found.boxes[:, 0]) - torch.eye(len(found.boxes))
    assert overlap.max() <= ft_mtl.SUPPRESSED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"classes": 3}, "between benign and malignant lesions"),
        ({"backbone": "timm:test_vit"}, "no feature map"),
        ({"backbone": "thesis-mtl"}, "outlines lesions itself"),
    ],
)
def test_what_cannot_be_a_detector_is_told(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build("ft-mtl-net", **{"classes": 2, "channels": 1, **SMALL, **arguments})  # type: ignore[arg-type]


def grey() -> Preprocessing:
    return Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))
