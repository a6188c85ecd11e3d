"""The wrapper: what goes in, what comes out, what is left behind."""

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.models.small_cnn import SmallCNN
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=32, channels=1, mean=(0.5,), std=(0.25,))
RGB = Preprocessing(size=16)


class Constant(nn.Module):
    """The same raw outputs, whatever the image."""

    def __init__(self, raw: Tensor) -> None:
        super().__init__()
        self.raw = raw

    def forward(self, images: Tensor) -> Tensor:
        return self.raw[: len(images)]


class Means(nn.Module):
    """The mean of each channel of what the network gets."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


def test_grey_is_repeated_and_normalised_inside() -> None:
    model = AuditedModel(Means(), classes=("a", "b", "c"), positive="b", preprocessing=RGB)
    logits = model(torch.full((2, 1, 16, 16), 0.5)).logits
    by_hand = [(0.5 - mean) / std for mean, std in zip(RGB.mean, RGB.std, strict=True)]
    assert logits[1].tolist() == pytest.approx(by_hand, abs=1e-6)
    colour = torch.stack([torch.full((16, 16), value) for value in RGB.mean])[None]
    assert model(colour).logits[0].tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_double_precision_stays_double() -> None:
    model = AuditedModel(SmallCNN(2, 1), preprocessing=GREY).double()
    assert model(torch.rand(2, 1, 16, 16, dtype=torch.float64)).logits.dtype == torch.float64


@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (2, 16, 16)])
def test_wrong_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"images must be \(n, 1, h, w\)"):
        AuditedModel(SmallCNN(2, 1), preprocessing=GREY)(torch.rand(shape))


def test_one_logit_by_hand() -> None:
    z = torch.tensor([[2.0], [-1.0]])
    images = torch.rand(2, 1, 16, 16)
    model = AuditedModel(Constant(z), preprocessing=GREY)
    out = model(images)
    assert out.logits.tolist() == [[0, 2], [0, -1]]
    assert model.one_logit
    assert out.class_score(torch.tensor([1, 1])).tolist() == [2, -1]
    assert out.class_score(torch.tensor([0, 0])).tolist() == [-2, 1]
    # z speaks for the second class named; here that is the benign one
    swapped = AuditedModel(Constant(z[:, 0]), classes=("malignant", "benign"), preprocessing=GREY)
    assert swapped.classes == ("benign", "malignant")
    assert swapped(images).logits.tolist() == [[0, -2], [0, 1]]


def test_two_logits_put_the_positive_class_second() -> None:
    raw = torch.tensor([[5.0, 7.0]])
    model = AuditedModel(Constant(raw), classes=("malignant", "benign"), preprocessing=GREY)
    assert (model.classes, model.positive) == (("benign", "malignant"), 1)
    out = model(torch.rand(1, 1, 16, 16))
    assert out.logits.tolist() == [[7, 5]]
    assert not out.one_logit


def test_three_classes_keep_their_order() -> None:
    raw = torch.tensor([[1.0, 2.0, 3.0]])
    model = AuditedModel(Constant(raw), classes=("malignant", "benign", "normal"), preprocessing=GREY)
    assert (model.classes, model.positive) == (("malignant", "benign", "normal"), 0)
    assert model(torch.rand(1, 1, 16, 16)).logits.tolist() == raw.tolist()


def test_numbers_that_are_not_finite_are_not_hidden() -> None:
    out = AuditedModel(Constant(torch.tensor([[float("nan"), float("inf")]])), preprocessing=GREY)
    assert not out(torch.rand(1, 1, 16, 16)).logits.isfinite().any()


@pytest.mark.parametrize(
    "raw", [torch.zeros(2, 3), torch.zeros(2, 2, 4, 4), torch.zeros(3, 2), torch.zeros(3)]
)
def test_logits_that_do_not_fit_are_refused(raw: Tensor) -> None:
    class Fixed(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return raw

    with pytest.raises(UsageError, match="class logits"):
        AuditedModel(Fixed(), preprocessing=GREY)(torch.rand(2, 1, 16, 16))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"positive": "malignent"}, "did you mean 'malignant'"),
        ({"classes": ("malignant",)}, "two or more"),
        ({"classes": ("malignant", "malignant")}, "two or more"),
        ({"threshold": 1.0}, "strictly between"),
        ({"cam_layer": "featuers"}, "nearest are features"),
        ({"head": "hed"}, "nearest are head"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        AuditedModel(SmallCNN(2, 1), preprocessing=GREY, **options)  # type: ignore[arg-type]


def test_everything_is_restored_on_exit() -> None:
    net = SmallCNN(2, 1).train()
    net.features[1].eval()
    net.head.bias.requires_grad_(False)
    modes = [module.training for module in net.modules()]
    grads = [parameter.requires_grad for parameter in net.parameters()]
    before = {key: value.clone() for key, value in net.state_dict().items()}
    model = AuditedModel(net, preprocessing=GREY)
    with pytest.raises(ZeroDivisionError), model, model:  # noqa: PT012  entered twice, left by an error
        assert not any(module.training for module in net.modules())
        assert not any(parameter.requires_grad for parameter in net.parameters())
        model.train()
        net.train()  # even so
        model(torch.rand(4, 1, 16, 16))
        raise ZeroDivisionError
    model(torch.rand(4, 1, 16, 16))  # and outside
    assert modes == [module.training for module in net.modules()]
    assert grads == [parameter.requires_grad for parameter in net.parameters()]
    after = net.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert not any(module._forward_hooks for module in net.modules())


def test_what_a_model_is_does_not_depend_on_the_mode_it_is_asked_in() -> None:
    model = AuditedModel(SmallCNN(2, 1), preprocessing=GREY)
    with torch.inference_mode(), model:
        assert model.cam_layer == "features"
    out = model(torch.rand(1, 1, 32, 32), layers=("features",))
    assert out.features["features"].requires_grad


def test_nothing_is_added_to_the_state() -> None:
    net = SmallCNN(2, 1)
    assert set(AuditedModel(net, preprocessing=GREY).state_dict()) == {
        f"net.{key}" for key in net.state_dict()
    }


def test_the_head_is_the_layer_that_gives_the_logits() -> None:
    model = AuditedModel(SmallCNN(2, 1), classes=("malignant", "benign"), preprocessing=GREY)
    assert model.cam_layer == "features"
    assert model.head is model.net.head
    out = model(torch.rand(3, 1, 32, 32), layers=("features",))
    pooled = out.features["features"].mean((2, 3))
    bias = model.head.bias.flip(0)  # positive first in the network, second here
    torch.testing.assert_close(pooled @ model.head_weights().T + bias, out.logits)


@pytest.mark.parametrize(("classes", "sign"), [(("benign", "malignant"), 1), (("malignant", "benign"), -1)])
def test_head_rows_of_one_logit(classes: tuple[str, str], sign: int) -> None:
    model = AuditedModel(SmallCNN(1, 1), classes=classes, preprocessing=GREY)
    w = model.head.weight[0] * sign
    torch.testing.assert_close(model.head_weights(), torch.stack((-w, w)).detach())


def test_a_head_that_does_not_give_the_logits_is_refused() -> None:
    class Scaled(SmallCNN):
        def forward(self, images: Tensor) -> Tensor:
            return 2 * super().forward(images)

    assert AuditedModel(Scaled(2, 1), preprocessing=GREY).head is None
    with pytest.raises(UsageError, match="no linear layer of Scaled"):
        AuditedModel(Scaled(2, 1), preprocessing=GREY).head_weights()
    with pytest.raises(UsageError, match="its weights do not give the logits"):
        _ = AuditedModel(Scaled(2, 1), preprocessing=GREY, head="head").head


def test_a_transformer_has_no_layer_of_its_own() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(1, 8, 4, stride=4)
            self.block = nn.Linear(8, 8)
            self.head = nn.Linear(8, 2)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.block(self.patches(images).flatten(2).mT).mean(1))

    model = AuditedModel(Tokens(), preprocessing=GREY)
    assert model.cam_layer is None
    assert model.head is None
    assert AuditedModel(Tokens(), preprocessing=GREY, cam_layer="patches").cam_layer == "patches"


class OneSize(nn.Module):
    """Refuses every other size, as a transformer does."""

    def forward(self, images: Tensor) -> Tensor:
        torch._assert(images.shape[2] == 224, "expected 224")
        return images.mean((2, 3))[:, :2]


def test_a_network_that_does_not_take_the_size_says_so() -> None:
    model = AuditedModel(OneSize(), preprocessing=RGB)
    with pytest.raises(UsageError, match=r"OneSize cannot take images of 16 × 16 pixels.*expected 224"):
        _ = model.one_logit
