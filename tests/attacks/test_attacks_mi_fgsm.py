"""Momentum iterative FGSM: by hand, against ART and against torchattacks."""

import contextlib
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, smooth_cnn, some_images
from torch import Tensor, nn

from xaiaudit.attacks.criteria import LeaveDecision, TargetClass
from xaiaudit.attacks.fgsm import IterativeFGSM
from xaiaudit.attacks.mi_fgsm import MomentumFGSM
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Outputs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from art.attacks.evasion import MomentumIterativeMethod
    from art.estimators.classification import PyTorchClassifier

X = some_images(12, seed=11)
K = pytest.mark.parametrize("classes", [2, 4])
MOMENTA = pytest.mark.parametrize("momentum", [1.0, 0.5])


class Bend(nn.Module):
    """Two pixels (a, b); z = -3 a - 2 b below a = 0.515 and +a - 2 b above: the first gradient turns."""

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        a, b = images.flatten(1).unbind(1)
        z = 5 - 2 * b - torch.where(a < 0.515, 3 * a, 4 * 0.515 - a)
        return Outputs(torch.stack((torch.zeros_like(z), z), 1))


def test_momentum_carries_on_where_the_gradient_turns() -> None:
    """Steps of 0.01; gradients of -z over their L1 norms: (3, 2)/5 twice, from a = 0.52 on (-1, 2)/3.

    Pixel a sums 0.6, 1.2, 0.867, 0.533, 0.2, -0.133, so it rises five times and falls in the sixth; b rises always.
    """
    model, x = Bend().eval(), torch.full((1, 1, 1, 2), 0.5)
    criterion = LeaveDecision(clean_logits(model, x))
    attack = MomentumFGSM(epsilon=0.2, steps=6, alpha=0.01)
    assert attack(model, x, criterion).images.flatten().tolist() == pytest.approx([0.54, 0.56], abs=1e-6)
    five = MomentumFGSM(epsilon=0.2, steps=5, alpha=0.01)(model, x, criterion)
    assert five.images.flatten().tolist() == pytest.approx([0.55, 0.55], abs=1e-6)
    plain = IterativeFGSM(epsilon=0.2, steps=6, alpha=0.01)(model, x, criterion)
    assert plain.images.flatten().tolist() == pytest.approx([0.52, 0.56], abs=1e-6)


def problem(classes: int) -> tuple[nn.Module, AsModel, LeaveDecision, np.ndarray]:
    net = smooth_cnn(classes, seed=classes)
    with torch.no_grad():
        net[-1].bias -= net(X).mean(0)
    criterion = LeaveDecision(clean_logits(AsModel(net), X))
    assert len(criterion.decision.unique()) == classes
    return net, AsModel(net), criterion, criterion.decision.numpy()


def test_without_momentum_it_is_fgsm() -> None:
    _, model, criterion, _ = problem(2)
    ours = MomentumFGSM(epsilon=0.05, momentum=0.0)(model, X, criterion)
    assert torch.equal(ours.images, IterativeFGSM(epsilon=0.05)(model, X, criterion).images)
    moved = MomentumFGSM(epsilon=0.05)(model, X, criterion)
    assert not torch.equal(ours.images, moved.images)


@contextlib.contextmanager
def art_in_float64() -> Iterator[None]:
    held = [m for name, m in sys.modules.items() if name.startswith("art.") and hasattr(m, "ART_NUMPY_DTYPE")]
    try:
        for module in held:
            module.ART_NUMPY_DTYPE = np.float64
        yield
    finally:
        for module in held:
            module.ART_NUMPY_DTYPE = np.float32


@K
@MOMENTA
@pytest.mark.parametrize("targeted", [False, True])
def test_it_equals_art(classes: int, momentum: float, targeted: bool) -> None:
    net, model, criterion, y = problem(classes)
    goal = (y + 1) % classes if targeted else y
    ours = MomentumFGSM(epsilon=0.05, momentum=momentum)
    result = ours(model, X, TargetClass(torch.tensor(goal)) if targeted else criterion).images.numpy()
    wrapped = PyTorchClassifier(
        net, nn.CrossEntropyLoss(), X.shape[1:], classes, clip_values=(0.0, 1.0), device_type="cpu"
    )
    with art_in_float64():
        attack = MomentumIterativeMethod(
            wrapped, eps=0.05, eps_step=ours.step_size, decay=momentum, max_iter=25, targeted=targeted,
            batch_size=12, verbose=False,
        )  # fmt: skip
        theirs = attack.generate(X.numpy(), y=np.eye(classes)[goal])
    assert np.abs(result - theirs).max() < 1e-5


@K
@MOMENTA
def test_it_equals_torchattacks(classes: int, momentum: float) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    net, model, criterion, y = problem(classes)
    ours = MomentumFGSM(epsilon=0.05, momentum=momentum)
    attack = torchattacks.MIFGSM(net, eps=0.05, alpha=ours.step_size, steps=25, decay=momentum)
    theirs = attack(X, torch.tensor(y))
    assert theirs.dtype == torch.float64
    assert (ours(model, X, criterion).images - theirs).abs().max() < 1e-5


def test_its_parameters_are_checked_and_told() -> None:
    assert MomentumFGSM().describe() == (
        "momentum iterative FGSM: L∞ radius 8 grey levels (0.03137 of full scale), "
        "25 steps of 0.32 grey levels, from the clean image, momentum 1"
    )
    with pytest.raises(UsageError, match=r"momentum must lie in \[0, 1\], got 2"):
        MomentumFGSM(momentum=2.0)
    with pytest.raises(UsageError, match="grey levels"):
        MomentumFGSM(epsilon=8.0)
