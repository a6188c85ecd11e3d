"""What must hold for every explainer of the registry, whatever the network."""

import pytest
import torch
from explainer_nets import PLAIN, Doubled, Small, TwoHeads, batch, small

from xaiaudit.explainers.base import Explainer, FromOutputs
from xaiaudit.explainers.registry import EXPLAINERS, explainer, parameters_of, settings
from xaiaudit.models.audited import AuditedModel

MIXED = torch.tensor([0, 1, 0, 1])
CLASSLESS = {"eigen-cam", "seg-grad-cam"}  # the target is checked, and ignored
OF_MASK = {"seg-grad-cam"}
READERS = [name for name in EXPLAINERS if isinstance(explainer(name), FromOutputs)]
WITH_LAYER = [name for name in EXPLAINERS if "layer" in parameters_of(name) and name != "cam"]


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_keeps_the_contract(name: str) -> None:
    made = explainer(name)
    assert isinstance(made, Explainer)
    assert isinstance(made.signed, bool)
    assert explainer(name, **settings(name, {})) == made
    model = small()
    maps = made(model, batch(4, 24, 40), MIXED)
    on_pixels = made.explained(model) == "image" or name == "cameras"
    assert maps.shape == ((4, 24, 40) if on_pixels else (4, 6, 10))  # rows and columns are not exchanged
    assert made.signed or (maps >= 0).all()
    assert (maps != 0).flatten(1).any(1).all()


@pytest.mark.parametrize("name", EXPLAINERS)
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_a_batch_of_mixed_targets_gives_the_maps_of_each_image_alone(name: str, outputs: int) -> None:
    model, images, target = small(outputs), batch(5, 24, 40), torch.tensor([1, 0, 0, 1, 1])
    together = explainer(name)(model, images, target)
    for i in range(5):
        alone = explainer(name)(model, images[i : i + 1], target[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-10, atol=1e-10)
    same = torch.allclose(together, explainer(name)(model, images, 1 - target))
    # |gradient| of a single logit is that of its negative
    assert same == (name in CLASSLESS or (name == "smoothgrad" and outputs == 1))


@pytest.mark.parametrize("name", EXPLAINERS)
def test_nothing_is_left_on_the_model_or_the_images(name: str) -> None:
    model, images = small(), batch()
    model.net.stem.weight.requires_grad_(False)
    model.net.train()
    before = _state(model)
    images_before = images.clone()
    maps = explainer(name)(model, images, torch.zeros(4, dtype=torch.int64))
    assert _state(model) == before
    assert images.grad is None
    assert not images.requires_grad
    assert images.equal(images_before)
    assert not maps.requires_grad


@pytest.mark.parametrize("name", EXPLAINERS)
def test_nothing_is_left_on_the_model_by_an_explainer_that_fails(name: str) -> None:
    model, images = small(), batch()
    model.net.train()
    before = _state(model)

    def stop(*_: object) -> None:
        raise ZeroDivisionError

    handle = model.net.act.register_forward_hook(stop)
    with pytest.raises(ZeroDivisionError):
        explainer(name)(model, images, MIXED)
    handle.remove()
    assert _state(model) == before
    assert images.grad is None
    assert not images.requires_grad


def _state(model: AuditedModel) -> list[object]:
    """Flags, gradients and hooks of every module; weights and buffers by value."""
    parameters = [(p.requires_grad, p.grad is None, p._version) for p in model.parameters()]
    buffers = [b.clone().tolist() for b in model.buffers()]
    modules = [
        (
            m.training,
            len(m._forward_hooks),
            len(m._forward_pre_hooks),
            len(m._backward_hooks),
            len(m._backward_pre_hooks),
        )
        for m in model.modules()
    ]
    return [parameters, buffers, modules]


@pytest.mark.parametrize("name", EXPLAINERS)
def test_frozen_models_and_callers_with_and_without_gradients(name: str) -> None:
    model, images, made = small(), batch(), explainer(name)
    expected = made(model, images, MIXED)
    model.net.requires_grad_(False)
    with model, torch.no_grad():
        torch.testing.assert_close(made(model, images, MIXED), expected)
    images.requires_grad_()
    torch.testing.assert_close(made(model, images, MIXED), expected)
    assert images.grad is None


@pytest.mark.parametrize("name", READERS)
def test_maps_from_a_forward_that_an_attack_goes_on_with(name: str) -> None:
    model, made = small(), explainer(name)
    images = batch().requires_grad_()
    out = model(images, layers=made.needs(model))
    maps = made.from_outputs(model, out, MIXED)
    torch.testing.assert_close(maps, made(model, images, MIXED))
    (slopes,) = torch.autograd.grad(out.class_score(MIXED).sum(), images)  # the graph is still there
    assert slopes.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(set(EXPLAINERS) - OF_MASK))
def test_a_mask_head_beside_changes_nothing(name: str) -> None:
    images = batch()
    two = small(net=TwoHeads)
    one = small(net=Small)
    one.net.load_state_dict(two.net.state_dict(), strict=False)
    torch.testing.assert_close(explainer(name)(two, images, MIXED), explainer(name)(one, images, MIXED))


@pytest.mark.parametrize("name", WITH_LAYER)
@pytest.mark.parametrize("layer", ["stem", "last", "norm"])
def test_an_in_place_relu_after_the_layer_changes_nothing(name: str, layer: str) -> None:
    made, alive = explainer(name, layer=layer), 0
    for seed in range(8):
        maps = [made(small(seed=seed, inplace=inplace), batch(), MIXED) for inplace in (True, False)]
        torch.testing.assert_close(*maps, rtol=0, atol=0)
        alive += bool(maps[0].any())
    assert alive


@pytest.mark.parametrize(
    "name", sorted(set(EXPLAINERS) - OF_MASK - {"guided-grad-cam"})
)  # which asks for a ReLU
def test_the_map_lies_the_way_the_image_does(name: str) -> None:
    images = torch.zeros(1, 1, 24, 24)
    images[0, 0, 20, 3] = 1  # lower left
    model = AuditedModel(Doubled([[0.0, 0.0], [1.0, 1.0]]), preprocessing=PLAIN)
    maps = explainer(name)(model, images, torch.tensor([1]))
    assert maps[0, 20, 3] == maps.max() > 0
