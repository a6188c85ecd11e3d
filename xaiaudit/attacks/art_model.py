"""A model as ART sees it: a network of logits for one image, which counts what it is asked."""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.tensors import Model

NEVER = -1e4  # a logit that no other is below


class Watched(nn.Module):
    """Logits of variants of one image. ART's arrays are of float32 on the CPU; the model keeps kind and device.

    Pixels that are not valid are put back before the model sees them: no attack can gain by them, and their
    gradient is zero. The model is no part of this network, so that ART cannot train, move or change it, and
    gradients go to the image alone, never to weights.
    """

    def __init__(self, model: Model, x0: Tensor, valid: Tensor | None, shift: Tensor) -> None:
        super().__init__()
        self._ask = model.__call__  # a bound method: a module would become a part
        self.x0, self.valid = x0, valid  # (1, c, h, w); (1, 1, h, w) bool
        self.shift = shift  # (k,), makes the largest logit the decision
        self.forwards = self.backwards = 0  # images that went through
        self.moved = self.broken = False  # a gradient was not zero; was not finite

    def forward(self, images: Tensor) -> Tensor:
        self.forwards += len(images)
        if torch.is_grad_enabled() and images.requires_grad:
            logits: Tensor = _InputGradient.apply(images, self)
            return logits
        with torch.no_grad():
            return self.logits(images.to(self.x0)).to(images)

    def logits(self, images: Tensor) -> Tensor:
        if self.valid is not None:
            images = torch.where(self.valid, images, self.x0)
        return self._ask(images).logits + self.shift

    def saw(self, grad: Tensor) -> None:
        self.backwards += len(grad)
        self.broken |= not bool(grad.isfinite().all())
        self.moved |= bool((grad != 0).any())

    @property
    def stuck(self) -> bool:
        """Gradients were asked for, and one was not finite or all were zero."""
        return self.broken or (self.backwards > 0 and not self.moved)


class _InputGradient(torch.autograd.Function):
    """The logits with a backward pass that ends at the image, as often as ART asks for one."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, watched: Watched) -> Tensor:
        with torch.enable_grad():
            own = images.detach().to(watched.x0).requires_grad_()
            logits = watched.logits(own)
        ctx.own, ctx.logits, ctx.watched, ctx.like = own, logits, watched, images.detach()[:0]
        return logits.detach().to(images)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, None]:
        grad = torch.zeros_like(ctx.own)
        if ctx.logits.requires_grad:  # else the outputs do not depend on the image
            (grad,) = torch.autograd.grad(
                ctx.logits, ctx.own, above[0].to(ctx.logits), retain_graph=True, materialize_grads=True
            )
        ctx.watched.saw(grad)
        return grad.to(ctx.like), None


def classifier(watched: Watched, *, third: bool = False, probabilities: bool = False) -> Any:
    """ART's own wrapper around ours: cross-entropy, images in [0, 1]; two classes may gain a third that never wins."""
    pad = [nn.ConstantPad1d((0, 1), NEVER)] if third else []
    last = [nn.Softmax(1)] if probabilities else []
    return import_module("art.estimators.classification").PyTorchClassifier(
        model=nn.Sequential(watched, *pad, *last),
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(watched.x0.shape[1:]),
        nb_classes=len(watched.shift) + len(pad),
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
