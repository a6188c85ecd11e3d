"""The attacks against ART and Foolbox, in float64 on a smooth network, so that rounding decides nothing."""

import contextlib
import sys
import warnings

import numpy as np
import pytest
import torch
from attack_nets import AsModel, clean_logits, smooth_cnn, some_images
from torch import nn

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.criteria import LeaveDecision, TargetClass
from xaiaudit.attacks.deepfool import DeepFool
from xaiaudit.attacks.fgsm import IterativeFGSM, SingleStepFGSM
from xaiaudit.attacks.pgd import PGD, PGDL2
from xaiaudit.attacks.search import State
from xaiaudit.attacks.sweep import at
from xaiaudit.seeds import Draws, default_seeds

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import foolbox
    from art.attacks.evasion import BasicIterativeMethod, FastGradientMethod, ProjectedGradientDescent
    from art.attacks.evasion import DeepFool as ArtDeepFool
    from art.estimators.classification import PyTorchClassifier

X = some_images(12, seed=11)
K = pytest.mark.parametrize("classes", [2, 4])


class FromClean(PGD):
    """PGD without its random start."""

    def start(self, ball: Ball, draws: Draws) -> State:
        return State(ball.x0)


class FromCleanL2(PGDL2):
    def start(self, ball: Ball, draws: Draws) -> State:
        return State(ball.x0)


@contextlib.contextmanager
def art_in_float64():
    """ART casts to the float32 of its configuration, which its modules copied when they were imported."""
    held = [m for name, m in sys.modules.items() if name.startswith("art.") and hasattr(m, "ART_NUMPY_DTYPE")]
    try:
        for module in held:
            module.ART_NUMPY_DTYPE = np.float64
        yield
    finally:
        for module in held:
            module.ART_NUMPY_DTYPE = np.float32


def art_model(net: nn.Module, classes: int) -> PyTorchClassifier:
    return PyTorchClassifier(
        net, nn.CrossEntropyLoss(), X.shape[1:], classes, clip_values=(0.0, 1.0), device_type="cpu"
    )


def problem(classes: int, images: torch.Tensor = X) -> tuple[nn.Module, AsModel, LeaveDecision, np.ndarray]:
    net = smooth_cnn(classes, seed=classes)
    with torch.no_grad():
        net[-1].bias -= net(images).mean(0)
    model = AsModel(net)
    criterion = LeaveDecision(clean_logits(model, images))
    assert len(criterion.decision.unique()) == classes  # every class is attacked
    return net, model, criterion, criterion.decision.numpy()


def foolbox_model(net: nn.Module) -> foolbox.PyTorchModel:
    return foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")


@K
@pytest.mark.parametrize("epsilon", [0.1, 8 / 255])
def test_fgsm_equals_art(classes: int, epsilon: float) -> None:
    net, model, criterion, y = problem(classes)
    ours = IterativeFGSM(epsilon=epsilon)(model, X, criterion).images.numpy()
    with art_in_float64():
        attack = BasicIterativeMethod(
            art_model(net, classes),
            eps=epsilon,
            eps_step=epsilon / 25,
            max_iter=25,
            batch_size=12,
            verbose=False,
        )
        theirs = attack.generate(X.numpy(), y=np.eye(classes)[y])
    assert theirs.dtype == np.float64
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(ours - X.numpy()).max() > 0.9 * epsilon


@K
def test_fgsm_equals_foolbox(classes: int) -> None:
    net, model, criterion, y = problem(classes)
    ours = IterativeFGSM()(model, X, criterion)
    attack = foolbox.attacks.LinfBasicIterativeAttack(abs_stepsize=0.1 / 25, steps=25, random_start=False)
    raw, _, found = attack(foolbox_model(net), X, torch.tensor(y), epsilons=0.1)
    assert raw.dtype == torch.float64
    assert (ours.images - raw).abs().max() < 1e-5
    assert torch.equal(ours.reached, found)


@K
def test_fgsm_single_equals_art_and_foolbox(classes: int) -> None:
    net, model, criterion, y = problem(classes)
    ours = SingleStepFGSM()(model, X, criterion).images
    raw, _, _ = foolbox.attacks.LinfFastGradientAttack()(foolbox_model(net), X, torch.tensor(y), epsilons=0.1)
    assert (ours - raw).abs().max() < 1e-5
    with art_in_float64():
        theirs = FastGradientMethod(art_model(net, classes), eps=0.1).generate(
            X.numpy(), y=np.eye(classes)[y]
        )
    assert np.abs(ours.numpy() - theirs).max() < 1e-5


@K
def test_a_target_class_equals_art(classes: int) -> None:
    net, model, _, y = problem(classes)
    target = (y + 1) % classes
    ours = IterativeFGSM(epsilon=0.05)(model, X, TargetClass(torch.tensor(target))).images.numpy()
    with art_in_float64():
        attack = BasicIterativeMethod(
            art_model(net, classes), eps=0.05, eps_step=0.05 / 25, max_iter=25, targeted=True, batch_size=12,
            verbose=False,
        )  # fmt: skip
        theirs = attack.generate(X.numpy(), y=np.eye(classes)[target])
    assert np.abs(ours - theirs).max() < 1e-5


@K
@pytest.mark.parametrize(("ours", "norm"), [(FromClean(), np.inf), (FromCleanL2(epsilon=0.5), 2)])
def test_pgd_from_the_clean_image_equals_art(classes: int, ours, norm: float) -> None:
    """Away from black and white: in L2, ART goes to the box first and to the ball then, Foolbox as we do."""
    images = 0.3 + 0.4 * X
    net, model, criterion, y = problem(classes, images)
    result = ours(model, images, criterion).images.numpy()
    with art_in_float64():
        attack = ProjectedGradientDescent(
            art_model(net, classes), norm=norm, eps=ours.epsilon, eps_step=ours.step_size, max_iter=40,
            num_random_init=0, batch_size=12, verbose=False,
        )  # fmt: skip
        theirs = attack.generate(images.numpy(), y=np.eye(classes)[y])
    assert np.abs(result - theirs).max() < 1e-5


@K
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (PGD(), foolbox.attacks.LinfProjectedGradientDescentAttack),
        (PGDL2(epsilon=0.5), foolbox.attacks.L2ProjectedGradientDescentAttack),
    ],
)
def test_pgd_from_the_same_random_start_equals_foolbox(classes: int, ours, theirs) -> None:
    import eagerpy

    net, model, criterion, y = problem(classes)
    seeds = default_seeds(X)
    start = ours.start(Ball.around(X, None, ours.norm, at(X, ours.epsilon)), Draws(seeds, 0)).x

    class SameStart(theirs):
        def get_random_start(self, x0, epsilon):
            return eagerpy.astensor(start)

    attack = SameStart(abs_stepsize=ours.step_size, steps=40, random_start=True)
    raw, _, found = attack(foolbox_model(net), X, torch.tensor(y), epsilons=ours.epsilon)
    result = ours(model, X, criterion, seeds=seeds)
    assert (start - X).abs().max() > 0.001
    assert (result.images - raw).abs().max() < 1e-5
    assert torch.equal(result.reached, found)


DEEPFOOLS = pytest.mark.parametrize(
    ("norm", "theirs"),
    [("l2", foolbox.attacks.L2DeepFoolAttack), ("linf", foolbox.attacks.LinfDeepFoolAttack)],
)


def length_of(delta: torch.Tensor, norm: str) -> torch.Tensor:
    return torch.linalg.vector_norm(delta.flatten(1), ord=2 if norm == "l2" else torch.inf, dim=1)


@K
@DEEPFOOLS
def test_deepfool_equals_foolbox_without_its_extra_length(classes: int, norm: str, theirs) -> None:
    net, model, criterion, y = problem(classes)

    class Exact(theirs):
        """Foolbox lengthens every step by 1e-4 "for numerical stability"."""

        def get_distances(self, losses, grads):
            return super().get_distances(losses, grads) - 1e-4

    attack = Exact(steps=50, candidates=None, overshoot=0.02, loss="logits")
    raw, _, found = attack(foolbox_model(net), X, torch.tensor(y), epsilons=None)
    ours = DeepFool(norm=norm)(model, X, criterion)
    assert bool(ours.reached.all())
    assert found.sum() >= 11  # one stalls before the boundary, where our shortest step carries on
    assert (ours.images - raw)[found].abs().max() < 1e-5


@K
@DEEPFOOLS
def test_deepfool_finds_the_norms_of_foolbox(classes: int, norm: str, theirs) -> None:
    net, model, criterion, y = problem(classes)
    ours = DeepFool(norm=norm)(model, X, criterion)
    attack = theirs(steps=50, candidates=None, overshoot=0.02, loss="logits")
    raw, _, _ = attack(foolbox_model(net), X, torch.tensor(y), epsilons=None)
    length = length_of(raw - X, norm)
    steps = ours.backwards / (classes - 1)
    extra = 1.02e-4 * steps  # by which Foolbox lengthens
    assert ((ours.distance - length).abs() <= 0.01 * length + extra).all()


@K
@pytest.mark.parametrize("overshoot", [1e-6, 0.02])
def test_deepfool_finds_the_norms_of_art(classes: int, overshoot: float) -> None:
    """ART walks to the boundary and then stretches by the overshoot; the paper's code, Foolbox and we test
    the stretched image. So ours may be shorter than ART's, by the overshoot at most.
    """
    net, model, criterion, _ = problem(classes)
    ours = DeepFool(overshoot=overshoot)(model, X, criterion).distance
    with art_in_float64():
        attack = ArtDeepFool(
            art_model(net, classes),
            max_iter=50,
            epsilon=overshoot,
            nb_grads=classes,
            batch_size=1,
            verbose=False,
        )
        theirs = length_of(torch.tensor(attack.generate(X.numpy())) - X, "l2")
    ratio = ours / theirs
    assert (ratio <= 1.01).all()
    assert (ratio >= 0.99 / (1 + overshoot)).all()
