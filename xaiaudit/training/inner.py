"""The inner maximisation of adversarial training: the images in the ball on which a loss is high."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.criteria import TrueLabel
from xaiaudit.models.frozen import frozen
from xaiaudit.tensors import Images, Outputs, Valid

Forward = Callable[[Tensor], Outputs]  # grey images in [0, 1], before normalisation
Loss = Callable[[Outputs], Tensor]  # (n,) to raise, each image's own


def hardest(
    net: nn.Module,
    forward: Forward,
    images: Images,
    loss: Loss,
    generator: torch.Generator,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
    valid: Valid | None,
) -> Images:
    """PGD on the loss, from a uniform random point of the L-inf ball; the last iterate, without a gradient.

    `net` is in eval mode with frozen parameters meanwhile: no running statistic moves, no dropout, no weight
    gradient. So does the code of TRADES; Pang et al. 2021 (arXiv:2010.00467) found it no worse than training
    mode. Pixels that are not `valid`, the padding, stay as they are.
    """
    ball = Ball.around(images, valid, "linf", images.new_full((len(images),), epsilon))
    # drawn on the host: the same on every device
    x = ball.uniform(torch.rand(images.shape, generator=generator).to(images))
    with frozen(net), torch.enable_grad():
        for _ in range(steps):
            x.requires_grad_()
            (gradient,) = torch.autograd.grad(loss(forward(x)).sum(), x)
            x = ball.climb(x.detach(), gradient, step_size)
    return x.detach()


def leave_label(labels: Tensor) -> Loss:
    """Cross-entropy to the label as attacks climb it: the same direction, and no gradient lost where sure."""
    goal, rows = TrueLabel(labels), torch.arange(len(labels), device=labels.device)
    return lambda out: goal.loss(out, rows)


def leave_clean(clean: Tensor) -> Loss:
    """KL from the clean logits, which are a constant here."""
    return lambda out: divergence(clean, out.logits)


def divergence(clean: Tensor, moved: Tensor) -> Tensor:
    """KL(softmax(clean) || softmax(moved)), (n, k) twice to (n,), in nats, at least 0."""
    return kl_div(
        log_softmax(moved.float(), 1), log_softmax(clean.float(), 1), reduction="none", log_target=True
    ).sum(1)
