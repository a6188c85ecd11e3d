"""MT-ESTAN: its row-column kernels, its two encoders, its heads."""

import pytest
import torch
from torch import nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel, build
from xaiaudit.models.parts.estan import BLOCKS, Estan, EstanBlock
from xaiaudit.training.recipe import recipe_of
from xaiaudit.types import Preprocessing

SMALL = "mobilenet_v3_small"


def weights(before: int, after: int, rows: int, columns: int) -> int:
    return before * after * rows * columns + 2 * after  # and a batch norm in place of the bias


def test_a_block_of_rows_and_columns_by_hand() -> None:
    block = EstanBlock(32, BLOCKS[1])  # 13 wide
    square = weights(32, 64, 3, 3) + weights(64, 64, 3, 3)
    row_column = weights(32, 64, 1, 13) + weights(64, 64, 13, 1) + weights(64, 64, 3, 3)
    join = weights(128, 64, 5, 5)
    assert sum(p.numel() for p in block.parameters()) == square + row_column + join
    assert [b.row[1] for b in BLOCKS] == [15, 13, 11, 9, 7]


def test_a_row_kernel_sees_a_row_and_a_column_kernel_a_column() -> None:
    image = torch.zeros(1, 1, 41, 41)
    image[0, 0, 20, 20] = 1
    block = EstanBlock(1, BLOCKS[0])
    row, column = block.row_column[0][0], block.row_column[1][0]
    seen = row(image)[0].abs().sum(0) > 0
    assert seen.nonzero().tolist() == [[20, x] for x in range(13, 28)]
    wide = column(row(image))[0].abs().sum(0) > 0
    assert wide.sum() == 15 * 15


def test_five_scales() -> None:
    maps = Estan(1)(torch.rand(2, 1, 80, 64))
    assert [m.shape[1:] for m in maps] == [
        (32, 80, 64), (64, 40, 32), (128, 20, 16), (256, 10, 8), (512, 5, 4),
    ]  # fmt: skip


def test_the_heads_of_512_and_128_with_one_dropout() -> None:
    net = build("mt-estan", classes=2, channels=3, backbone=SMALL)
    sizes = [layer.out_features for layer in net.head if isinstance(layer, nn.Linear)]
    assert sizes == [512, 128, 1]
    rates = [layer.p for layer in net.head if isinstance(layer, nn.Dropout)]
    assert rates == [0.5]
    kinds = [type(layer).__name__ for layer in net.head]
    assert kinds.index("Dropout") == kinds.index("ReLU") + 1  # after the first dense layer's
    assert len(net.up) == 4


@pytest.mark.parametrize("size", [64, 75])  # 75 is rounded down by ESTAN and up by the basic encoder
def test_both_encoders_reach_class_and_mask(size: int) -> None:
    net = build("mt-estan", classes=2, channels=1, backbone=SMALL)
    model = AuditedModel(net, preprocessing=Preprocessing(size=64, channels=1, mean=(0.5,), std=(0.25,)))
    assert (model.one_logit, model.has_mask, model.cam_layer) == (True, True, "join")
    images = torch.rand(2, 1, size, size)
    assert net.eval()(images)["mask"].shape == (2, 1, size, size)
    out = net.train()(images)
    first = next(net.basic.net.parameters()), next(net.estan.parameters())
    for name in ("logits", "mask"):
        for gradient in torch.autograd.grad(out[name].square().sum(), first, retain_graph=True):
            assert gradient.abs().max() > 0


def test_each_up_block_has_a_skip_from_either_encoder() -> None:
    net = build("mt-estan", classes=2, channels=1, backbone=SMALL).eval()
    images = torch.rand(1, 1, 64, 64)
    *basic, deepest = (m.detach().requires_grad_() for m in net.basic(images))
    *fine, coarse = (m.detach().requires_grad_() for m in net.estan(images))
    net.basic.forward = lambda _: [*basic, deepest]
    net.estan.forward = lambda _: [*fine, coarse]
    maps = [*basic, deepest, *fine, coarse]
    assert all(g.abs().max() > 0 for g in torch.autograd.grad(net(images)["mask"].sum(), maps))


def test_a_backbone_without_five_octaves_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"small-cnn has them at 1/2, 1/4, 1/8, 1/16; take another"
    ) as caught:
        build("mt-estan", classes=2, channels=1, backbone="small-cnn")
    assert "\n" not in str(caught.value)


def test_the_recipe_is_equation_11() -> None:
    recipe = recipe_of("mt-estan")
    assert (recipe.loss, recipe.positive_weight, recipe.alpha, recipe.beta) == ("weighted", 3, 3, 1)
    assert (recipe.mask_loss, recipe.optimizer, recipe.learning_rate) == ("dice", "adam", 1e-5)
