"""A prepared model: the same outputs and gradients, faster; and nothing of it is left afterwards."""

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.models import AuditedModel, build
from xaiaudit.models.prepared import prepared
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=32)


@pytest.fixture
def model() -> AuditedModel:
    torch.manual_seed(0)
    return AuditedModel(build("small-cnn", classes=2, channels=3), preprocessing=GREY)


def images(n: int = 3) -> Tensor:
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_search_gives_what_the_model_gives(model: AuditedModel) -> None:
    with prepared(model) as ready:
        assert ready.judge is model
        for layers in ((), ("features",), ("features.0.0", "features.3")):
            searched, judged = ready.search(images(), layers), ready.judge(images(), layers)
            torch.testing.assert_close(searched.logits, judged.logits)
            for layer in layers:
                torch.testing.assert_close(
                    searched.features[layer], judged.features[layer], rtol=1e-4, atol=1e-5
                )
        assert (ready.folded, ready.batch_norms, ready.why_not) == (4, 4, "")
        assert ready.words() == (
            "searched in float32, channels last, 4 of 4 batch norms folded; judged in float32"
        )


def test_the_gradient_is_the_models(model: AuditedModel) -> None:
    x = images().requires_grad_()
    with prepared(model) as ready:
        grads = [torch.autograd.grad(net(x).logits[:, 1].sum(), x)[0] for net in (ready.search, ready.judge)]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-7)


def test_afterwards_the_model_is_as_before(model: AuditedModel) -> None:
    model.net.train()
    tensors = [*model.net.parameters(), *model.net.buffers()]
    before = [(tensor.clone(), tensor.stride(), tensor.requires_grad) for tensor in tensors]
    with prepared(model) as ready:
        assert model.net.features[1][0].weight.is_contiguous(memory_format=torch.channels_last)
        assert not model.net.training
    for tensor, (value, stride, requires_grad) in zip(tensors, before, strict=True):
        assert torch.equal(tensor, value)
        assert (tensor.stride(), tensor.requires_grad) == (stride, requires_grad)
    assert all(module.training for module in model.net.modules())
    torch.testing.assert_close(ready.search(images()).logits, model(images()).logits)  # the copy is gone


def test_a_network_without_batch_norm() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    with prepared(AuditedModel(net, preprocessing=GREY)) as ready:
        assert ready.words() == "searched in float32, channels last, no batch norm; judged in float32"
