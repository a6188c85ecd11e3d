"""Whether the last thing that a network does is to squash its outputs into probabilities."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.graph import Node

from xaiaudit.tensors import Images, Model

SQUASHING = ("SigmoidBackward", "SoftmaxBackward")
# what may follow it, and in the wrapper does, without changing a number but by its sign
MOVING = (
    "Alias", "Cat", "Clone", "Copy", "Expand", "Flip", "Index", "Neg", "Permute", "Reshape", "Select", "Slice", "Split",
    "Squeeze", "Stack", "Sub", "T", "ToCopy", "Transpose", "Unsqueeze", "UnsafeView", "Unbind", "View",
)  # fmt: skip


def squashes(model: Model, image: Images) -> bool:
    """The logits of one image (1, c, h, w) come straight from a sigmoid or softmax, by the graph of a forward.

    One that a network writes out by hand, as 1 / (1 + exp(-z)), is not seen.
    """
    with torch.inference_mode(False), torch.enable_grad():
        logits = model(image.detach().clone().requires_grad_()).logits
    return any(name.startswith(SQUASHING) for name in _last_steps(logits))


def _last_steps(outputs: Tensor) -> Iterator[str]:
    """Names of the operations that gave the numbers, behind those that only move them."""
    waiting = [outputs.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        name = node.name()  # e.g. SqueezeBackward1
        if name.partition("Backward")[0] in MOVING:
            waiting += [following for following, _ in node.next_functions if isinstance(following, Node)]
        else:
            yield name
