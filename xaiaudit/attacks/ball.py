"""Where the images of an attack may lie: a ball about the clean image, the box [0, 1], and real pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from xaiaudit.attacks.base import Norm
from xaiaudit.tensors import Images, Rows, Valid


@dataclass(frozen=True, eq=False)
class Ball:
    """All images within `epsilon` of `x0` (None: any distance), in [0, 1], equal to `x0` where not valid.

    Each image has a radius of its own. Every operation is a handful of elementwise kernels and never asks the
    device for a number.
    """

    x0: Tensor  # (n, c, h, w)
    valid: Tensor  # (n, 1, h, w) bool, or (n, c, h, w)
    low: Tensor  # (n, c, h, w): the box, and for L-inf the ball, as bounds on each pixel
    high: Tensor
    norm: Norm
    epsilon: Tensor | None  # (n,)

    @classmethod
    def around(cls, x0: Images, valid: Valid | None, norm: Norm, epsilon: Tensor | None) -> "Ball":
        if valid is None:
            valid = torch.ones_like(x0[:, :1], dtype=torch.bool)
        if norm == "linf" and epsilon is not None:
            reach = per_image(epsilon)
            low, high = (x0 - reach).clamp(min=0), (x0 + reach).clamp(max=1)
        else:
            low, high = torch.zeros_like(x0), torch.ones_like(x0)
        return cls(x0, valid, torch.where(valid, low, x0), torch.where(valid, high, x0), norm, epsilon)

    @property
    def radius(self) -> Tensor:
        """(n, 1, 1, 1), to multiply images with; 0 where there is none."""
        return per_image(torch.zeros_like(self.x0[:, 0, 0, 0]) if self.epsilon is None else self.epsilon)

    def project(self, x: Images) -> Images:
        """The ball first, then the box, which cannot lead out of the ball again. NaN stays NaN."""
        if self.norm == "l2" and self.epsilon is not None:
            delta = torch.where(self.valid, x - self.x0, 0)
            shrink = self.epsilon / torch.maximum(l2(delta), self.epsilon)
            x = self.x0 + delta * per_image(shrink)
        return x.clamp(self.low, self.high)

    def climb(self, x: Images, grad: Tensor, step_size: Tensor | float) -> Images:
        """A step up the loss by the sign of its gradient, then back into the ball. sign(0) = 0."""
        return self.project(x + step_size * grad.sign())

    def uniform(self, shares: Tensor) -> Images:
        """The point of the L-inf ball at these shares, in [0, 1], of its width about each pixel."""
        return self.project(self.x0 + self.radius * (2 * shares - 1))

    def direction(self, drawn: Tensor) -> Tensor:
        """Of length 1 in L2 over the real pixels, from normal numbers."""
        return unit(torch.where(self.valid, drawn, 0))

    def take(self, rows: Rows) -> "Ball":
        """The balls of some of the images."""
        x0, valid, low, high = (part[rows] for part in (self.x0, self.valid, self.low, self.high))
        epsilon = None if self.epsilon is None else self.epsilon[rows]
        return Ball(x0, valid, low, high, self.norm, epsilon)


def l2(delta: Tensor) -> Tensor:
    """Euclidean length of each image's perturbation, (n, ...) to (n,); summed in float64."""
    length: Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1, dtype=torch.float64)
    return length.to(delta.dtype)


def l1(delta: Tensor) -> Tensor:
    """Sum of each image's absolute perturbation, (n, ...) to (n,)."""
    length: Tensor = torch.linalg.vector_norm(delta.flatten(1), ord=1, dim=1)
    return length


def per_image(values: Tensor) -> Tensor:
    """(n,) shaped to multiply (n, c, h, w)."""
    return values[:, None, None, None]


def slopes(grads: Tensor, norm: Norm) -> Tensor:
    """Lengths of gradients, (n, j, c, h, w) to (n, j), in the dual norm: what a step of length 1 can climb."""
    found: Tensor = torch.linalg.vector_norm(grads.flatten(2), ord=1 if norm == "linf" else 2, dim=2)
    return found


def unit(grad: Tensor, length: Callable[[Tensor], Tensor] = l2) -> Tensor:
    """Each image's gradient at length 1; zero stays zero.

    Scaled by its largest entry first, because squares of small float32 numbers vanish.
    """
    scaled = by_largest(grad)
    return scaled / per_image(length(scaled).clamp(min=torch.finfo(grad.dtype).tiny))


def by_largest(grad: Tensor) -> Tensor:
    """Each image's gradient over its largest entry, in [-1, 1]; zero stays zero."""
    largest = grad.abs().amax((1, 2, 3), keepdim=True)
    return grad / largest.clamp(min=torch.finfo(grad.dtype).tiny)


def distance(x: Images, x0: Images, norm: Norm) -> Tensor:
    """(n,) float64 distance in [0, 1] intensities."""
    delta = (x.double() - x0.double()).flatten(1)
    length: Tensor = torch.linalg.vector_norm(delta, ord=float("inf") if norm == "linf" else 2, dim=1)
    return length
