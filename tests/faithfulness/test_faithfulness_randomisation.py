"""Randomising a model: which layers, in which order, what is drawn, that all is restored; and what maps then do."""

import copy

import numpy as np
import pytest
import torch
import torchvision
from faithfulness_nets import LinearModel, conv, pictures
from scipy.stats import spearmanr
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.faithfulness import Randomisation, between_images, blocks_from_the_top
from xaiaudit.faithfulness.layers import learnt_layers
from xaiaudit.faithfulness.reinitialised import reinitialised
from xaiaudit.faithfulness.similarity import similarity
from xaiaudit.models.audited import AuditedModel
from xaiaudit.seeds import image_seed

IMAGES, TARGET = pictures(3), torch.tensor([0, 1, 1])


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: tensor.detach().clone() for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }


def changed(model: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in snapshot(model).items() if not torch.equal(tensor, before[name])}


def test_layers_stand_in_the_order_in_which_they_run() -> None:
    """The bias of the batch norm is 0 throughout, and the mask head leads nowhere near the logits."""
    assert learnt_layers(conv(), IMAGES) == {
        "net.stem": ["net.stem.weight", "net.stem.bias"],
        "net.norm": ["net.norm.weight"],
        "net.last": ["net.last.weight", "net.last.bias"],
        "net.head": ["net.head.weight", "net.head.bias"],
    }


def test_blocks_begin_with_the_layer_of_the_logits_and_share_the_rest() -> None:
    model = conv()
    head, last, norm, stem = (tuple(names) for names in reversed(learnt_layers(model, IMAGES).values()))
    assert blocks_from_the_top(model, IMAGES, 1) == (head + last + norm + stem,)
    assert blocks_from_the_top(model, IMAGES, 2) == (head, last + norm + stem)
    assert blocks_from_the_top(model, IMAGES, 3) == (head, last, norm + stem)
    assert blocks_from_the_top(model, IMAGES, 9) == (head, last, norm, stem)


def test_every_learnt_parameter_of_a_residual_network_is_in_one_block() -> None:
    torch.manual_seed(0)
    net = torchvision.models.resnet18(num_classes=2)
    model = AuditedModel(net)
    blocks = blocks_from_the_top(model, torch.rand(1, 1, 64, 64), 8)
    names = [name for block in blocks for name in block]
    convolutions = {f"net.{n}.weight" for n, m in net.named_modules() if isinstance(m, nn.Conv2d)}
    assert blocks[0] == ("net.fc.weight", "net.fc.bias")
    assert sorted(names) == sorted(convolutions | set(blocks[0]))  # the batch norms hold ones and zeros
    assert "net.conv1.weight" in blocks[-1]


def test_parameters_of_a_module_that_is_never_called_belong_to_the_one_that_uses_them() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 6, stride=6), nn.Flatten(2), Attention(), nn.Flatten(), nn.Linear(64, 2)
    )
    from xaiaudit.types import Preprocessing

    model = AuditedModel(net, preprocessing=Preprocessing(size=24, channels=1, mean=(0.0,), std=(1.0,)))
    assert "net.2.attend.out_proj.weight" in learnt_layers(model, IMAGES.float())["net.2.attend"]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x, x, x)[0]


def test_what_has_no_weights_cannot_be_randomised() -> None:
    with pytest.raises(UsageError, match="no network"):
        blocks_from_the_top(LinearModel(torch.zeros(24, 24)), IMAGES, 3)
    with pytest.raises(UsageError, match="blocks"):
        blocks_from_the_top(conv(), IMAGES, 0)
    with pytest.raises(UsageError, match="draws"):
        Randomisation(draws=0)


def test_a_draw_keeps_mean_and_spread_and_touches_nothing_else() -> None:
    model = conv()
    before = snapshot(model)
    with reinitialised(model, ["net.last.weight"], seed=0):
        assert changed(model, before) == {"net.last.weight"}
        weight, old = model.net.last.weight.detach(), before["net.last.weight"]
        error = old.std() / old.numel() ** 0.5
        assert abs(weight.mean() - old.mean()) < 4 * error
        assert abs(weight.std() - old.std()) < 4 * error
        assert abs(float(np.corrcoef(weight.numpy().ravel(), old.numpy().ravel())[0, 1])) < 0.25
    assert changed(model, before) == set()


def test_draws_of_a_layer_depend_on_seed_number_and_name_alone() -> None:
    model, drawn = conv(), []
    for names, seed, draw in [(["net.stem.weight"], 0, 0), (["net.head.weight", "net.stem.weight"], 0, 0),
                              (["net.stem.weight"], 1, 0), (["net.stem.weight"], 0, 1)]:  # fmt: skip
        with reinitialised(model, names, seed=seed, draw=draw):
            drawn.append(model.net.stem.weight.clone())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])


@pytest.mark.parametrize("held", [True, False])
def test_the_model_is_as_it_was_whatever_happens(held: bool) -> None:
    model = conv()
    before, objects = snapshot(model), [id(p) for p in model.parameters()]
    flags = [(p.requires_grad, p.grad) for p in model.parameters()]
    blocks = blocks_from_the_top(model, IMAGES, 3)
    calls = []

    def breaks(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        calls.append(changed(model, before))
        model.net.norm.running_mean.add_(1)  # a forward in training mode would move it
        if len(calls) == 4:
            raise RuntimeError("out of memory")
        return torch.rand(3, 7, 7)

    if held:
        model.__enter__()
    with pytest.raises(RuntimeError, match="out of memory"):
        Randomisation(draws=1)(breaks, model, IMAGES, TARGET, blocks, signed=False)
    if held:
        model.__exit__(None, None, None)
    assert calls[2] >= set(blocks[0]) | {"net.last.weight"}
    assert changed(model, before) <= {"net.norm.running_mean"}  # moved by the call on the trained model alone
    assert (model.net.norm.running_mean - before["net.norm.running_mean"]).eq(1).all()
    assert [id(p) for p in model.parameters()] == objects
    assert [(p.requires_grad, p.grad) for p in model.parameters()] == flags
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_randomised_linear_head_by_hand() -> None:
    """CAM of the first block is the features weighted by the fresh head, the second class's less the first's."""
    model, cam = conv(), explainer("cam")
    names = learnt_layers(model, IMAGES)["net.head"]
    features = model(IMAGES, layers=("top",)).features["top"].detach()
    old = model.net.head.weight.detach().clone()
    noise = torch.randn(
        old.shape,
        generator=torch.Generator().manual_seed(image_seed("net.head.weight/0", 0)),
        dtype=torch.float64,
    )
    fresh = old.mean() + old.std(correction=0) * noise
    found = Randomisation(draws=1)(cam, model, IMAGES, TARGET, [tuple(names)], signed=True)
    for i in range(3):
        sign = 1 if TARGET[i] == 1 else -1
        maps = [torch.einsum("c,cuv->uv", sign * (w[1] - w[0]), features[i]).flatten() for w in (old, fresh)]
        rho = spearmanr(*maps).statistic
        rho_abs = spearmanr(*(m.abs() for m in maps)).statistic
        for way in ("cascading", "independent"):
            assert found[way].spearman[i, 0, 0] == pytest.approx(rho)
            assert found[way].spearman_abs[i, 0, 0] == pytest.approx(rho_abs)


def test_an_explainer_that_knows_no_class_does_not_see_the_head_change() -> None:
    model = conv()
    blocks = blocks_from_the_top(model, IMAGES, 4)
    found = Randomisation(draws=2)(explainer("eigen-cam"), model, IMAGES, TARGET, blocks, signed=False)
    assert found["cascading"].identical[:, 0].all()
    assert found["cascading"].spearman[:, 0] == pytest.approx(1)
    assert not found["cascading"].identical[:, 1:].any()
    assert found["independent"].identical[:, 0].all()


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_leaves_the_model_alone_and_agrees_over_batches(name: str) -> None:
    model = conv()
    before, made = snapshot(model), explainer(name)
    blocks = blocks_from_the_top(model, IMAGES, 2)
    test = Randomisation(draws=1)
    whole = test(made, model, IMAGES, TARGET, blocks, signed=made.signed)
    alone = test(made, model, IMAGES[1:2], TARGET[1:2], blocks, signed=made.signed)
    assert changed(model, before) == set()
    for way in whole:
        for ours, theirs in zip(whole[way], alone[way], strict=True):
            np.testing.assert_allclose(ours[1:2], theirs, atol=1e-9)


def test_undefined_maps_are_counted_and_neither_alike_nor_unlike() -> None:
    calls = []

    def explain(net: object, x: Tensor, target: Tensor) -> Tensor:
        calls.append(x)
        maps = torch.rand(3, 7, 7, generator=torch.Generator().manual_seed(len(calls)), dtype=torch.float64)
        maps[0] = 0  # before and after
        if len(calls) > 1:
            maps[1] = torch.nan
        return maps

    model = conv()
    blocks = blocks_from_the_top(model, IMAGES, 2)
    found = Randomisation(draws=1)(explain, model, IMAGES, TARGET, blocks, signed=False)["cascading"]
    for values in (found.spearman, found.spearman_abs, found.ssim):
        assert np.isnan(values[:2]).all()
        assert np.isfinite(values[2]).all()
    assert found.undefined[:, 0, 0].tolist() == [False, True, False]
    assert not found.identical.any()


def test_scale_does_not_matter_and_sign_does() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 7, 7))
    same = similarity(maps, 1000 * maps, (24, 24), signed=True)
    assert same.spearman == pytest.approx(1)
    assert same.ssim == pytest.approx(1)
    turned = similarity(maps, -maps, (24, 24), signed=True)
    assert turned.spearman == pytest.approx(-1)
    assert turned.spearman_abs == pytest.approx(1)
    assert not turned.identical.any()


@pytest.mark.parametrize("n", [4, 5])
def test_maps_of_different_images_are_the_yardstick_and_each_pair_counts_once(n: int) -> None:
    maps = np.random.default_rng(0).random((n, 7, 7))
    found = between_images(maps, (24, 24), signed=False)
    for i in range(2):
        assert found.spearman[i] == pytest.approx(spearmanr(maps[i].ravel(), maps[i + 2].ravel()).statistic)
    for values in (found.spearman, found.spearman_abs, found.ssim):
        assert np.isfinite(values).tolist() == [True, True] + [False] * (n - 2)
    assert len(found.identical) == len(found.undefined) == n
    assert np.isnan(between_images(maps[:1], (24, 24), signed=False).spearman).tolist() == [True]


def test_a_real_copy_of_the_model_agrees_after_the_test() -> None:
    model = conv()
    twin = copy.deepcopy(model)
    blocks = blocks_from_the_top(model, IMAGES, 3)
    Randomisation(draws=1)(explainer("grad-cam"), model, IMAGES, TARGET, blocks, signed=False)
    assert torch.equal(model(IMAGES).logits, twin(IMAGES).logits)
