"""Guided backpropagation through whatever rectifies: modules, functions, in place, used once or often.

It works on the graph of one forward, not on the modules of a network, so nothing is left behind, and a network that
it does not suit is found out rather than given plain gradients.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node

from xaiaudit.errors import UsageError

# Begin the names of what torch records: non-linear layers that are no rectifier, and graphs that cannot be looked into.
_OTHERS = (
    "Celu", "Clamp", "DifferentiableGraph", "Elu", "Gelu", "Hardshrink", "Hardswish", "Hardtanh", "LeakyRelu",
    "LogSigmoid", "Maximum", "Mish", "Prelu", "Rrelu", "Selu", "Silu", "Softplus", "Softshrink", "Threshold",
)  # fmt: skip


def guided_slopes(score: Tensor, pixels: Tensor) -> Tensor:
    """Gradient of `score` to `pixels` with negative gradients dropped at every ReLU and ReLU6.

    Raises:
        UsageError: the network has no ReLU, or non-linear layers beside it that the method does not know.

    Source: Springenberg et al. 2015, arXiv:1412.6806.
    """
    with _guided(score):
        (slopes,) = torch.autograd.grad(score, pixels)
    return slopes


@contextmanager
def _guided(score: Tensor) -> Iterator[None]:
    nodes = list(_nodes(score))
    rectifiers = [node for node in nodes if _rectifies(node)]
    others = {node.name() for node in nodes if not _rectifies(node) and _unknown(node)}
    if others or not rectifiers:
        found = f"has {', '.join(sorted(others))}" if others else "has none"
        raise UsageError(
            f"guided backpropagation is defined for networks whose non-linear layers are ReLUs, and this one {found}: "
            "use grad-cam, or smoothgrad for a map of the pixels"
        )
    handles = [node.register_hook(_drop_negative) for node in rectifiers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _drop_negative(gradients: tuple[Tensor, ...], _: Any) -> tuple[Tensor, ...]:
    return tuple(gradient.relu() for gradient in gradients)


def _rectifies(node: Node) -> bool:
    """ReLU, and ReLU6, which torch records as a hard tanh from 0."""
    name = node.name()
    return name.startswith("ReluBackward") or (
        name.startswith("HardtanhBackward") and float(getattr(node, "_saved_min_val", -1.0)) == 0
    )


def _unknown(node: Node) -> bool:
    own = isinstance(node, torch.autograd.function.BackwardCFunction)  # somebody's own function
    return own or node.name().startswith(_OTHERS)


def _nodes(score: Tensor) -> Iterator[Node]:
    """Every node of the graph, once."""
    seen: set[Node] = set()
    ahead = [score.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        ahead += [before for before, _ in node.next_functions]
