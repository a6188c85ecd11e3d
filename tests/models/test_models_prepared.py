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
        assert (ready.folded, ready.batch_norms, ready.notes) == (4, 4, ())
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


def test_bf16_computes_between_the_first_layer_and_the_head(model: AuditedModel) -> None:
    seen: dict[str, tuple[torch.dtype, torch.dtype]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[repr(module)] = inputs[0].dtype, output.dtype

    with prepared(model, "bf16") as ready:
        net = ready.search.net
        layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        for layer in layers:
            layer.register_forward_hook(note)
        x = images().requires_grad_()
        out = ready.search(x)
        (grad,) = torch.autograd.grad(out.logits[:, 1].sum(), x)
    first, *between, head = [seen[repr(layer)] for layer in layers]
    assert first == (torch.float32, torch.float32)
    assert {dtypes[1] for dtypes in between} == {torch.bfloat16}
    assert head == (torch.float32, torch.float32)
    assert out.logits.dtype == grad.dtype == torch.float32
    assert ready.words() == "searched in bf16, channels last, 4 of 4 batch norms folded; judged in float32"


def test_bf16_sees_what_is_less_than_a_grey_level(model: AuditedModel) -> None:
    """A twentieth of a grey level, which bf16 would lose in the image, moves the logits as in float32."""
    x = images()
    moved = x + 0.05 / 255
    assert (x.bfloat16() == moved.bfloat16()).float().mean() > 0.8
    with prepared(model, "bf16") as ready:
        first = ready.search.net.features[0][0]
        assert (first(x.expand(-1, 3, -1, -1)) != first(moved.expand(-1, 3, -1, -1))).any()
        grads = []
        for net in (ready.search, ready.judge):
            x.requires_grad_()
            grads.append(torch.autograd.grad(net(x).logits[:, 1].sum(), x)[0].flatten(1))
        assert torch.cosine_similarity(grads[0], grads[1], eps=1e-20).min() > 0.99


def test_bf16_features_are_float32_and_carry_gradients(model: AuditedModel) -> None:
    with prepared(model, "bf16") as ready:
        for layer in ("features", "features.0.0", "features.0.1", "features.2.2"):
            out, plain = ready.search(images(), (layer,)), ready.judge(images(), (layer,))
            assert out.features[layer].dtype == torch.float32
            torch.testing.assert_close(out.features[layer], plain.features[layer], rtol=0.05, atol=0.02)
            (grad,) = torch.autograd.grad(out.logits[:, 1].sum(), out.features[layer])
            assert grad.abs().sum() > 0


def test_bf16_shares_what_stays_in_float32(model: AuditedModel) -> None:
    model.net.features[0][1] = nn.Identity()  # the first convolution is not folded
    with prepared(model, "bf16") as ready:
        kept = {id(parameter) for parameter in ready.search.net.parameters()}
        assert id(model.net.features[0][0].weight) in kept
        assert id(model.net.head.weight) in kept


def test_a_mask_head_stays_in_float32() -> None:
    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
            self.mask, self.fc = nn.Conv2d(4, 1, 1), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            y = self.body(self.stem(x).relu()).relu()
            return {
                "logits": self.fc(y.mean((2, 3))),
                "mask": nn.functional.interpolate(self.mask(y), (32, 32)),
            }

    with prepared(AuditedModel(TwoHeads(), preprocessing=GREY), "bf16") as ready:
        dtypes = {name: tensor.dtype for name, tensor in ready.search.net.named_parameters()}
        assert {name for name, dtype in dtypes.items() if dtype == torch.bfloat16} == {
            "body.weight",
            "body.bias",
        }
        out = ready.search(images())
        assert out.mask_logits is not None
        assert out.mask_logits.dtype == torch.float32


def test_where_bf16_cannot_be_had_the_search_is_float32_and_says_so() -> None:
    class Needs32(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.body(self.stem(x))
            if y.dtype != torch.float32:
                raise RuntimeError("float32 alone")
            return self.fc(y.mean((2, 3)))

    with prepared(AuditedModel(Needs32(), preprocessing=GREY), "bf16") as ready:
        assert ready.precision == "float32"
        assert ready.notes == ("no bf16: float32 alone",)
        assert ready.search(images()).logits.shape == (3, 2)


@pytest.mark.parametrize(
    "architecture", ["thesis-mtl", "mobilenet_v2", "densenet121", "timm:vit_tiny_patch16_224"]
)
def test_bf16_of_other_architectures(architecture: str) -> None:
    torch.manual_seed(0)
    size = 224 if "vit" in architecture else 64
    extra = {"backbone": "resnet18"} if architecture == "thesis-mtl" else {}
    net = build(architecture, classes=2, channels=3, **extra)
    model = AuditedModel(net, preprocessing=Preprocessing(size=size))
    x = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(1)).requires_grad_()
    with prepared(model, "bf16") as ready:
        assert ready.precision == "bf16"
        grads = [
            torch.autograd.grad(each(x).logits[:, 1].sum(), x)[0] for each in (ready.search, ready.judge)
        ]
    assert torch.cosine_similarity(grads[0].flatten(1), grads[1].flatten(1), eps=1e-20).min() > 0.8
