"""The layers that a model has learnt, in the order in which an image runs through them, cut into blocks."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.tensors import Images, Model

Block = tuple[str, ...]  # names of parameters
Layers = dict[str, list[str]]  # name of a layer -> names of its parameters


def blocks_from_the_top(model: Model, images: Images, count: int) -> tuple[Block, ...]:
    """Parameters of the layers on the way to the logits, in at most `count` blocks, the logits' layer first.

    A layer is a module that runs and holds parameters. The first block is the last layer alone, as the test's
    sharpest question is whether a map asks what the classes weigh; the others share the layers below as evenly as
    can be, the last holding those next to the image.

    Args:
        images: one is run, to see the order.

    Raises:
        UsageError: the model is no network, or nothing that was learnt leads to its logits.
    """
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"{type(model).__name__} is no network (torch.nn.Module), so no weights can be randomised"
        )
    if count < 1:
        raise UsageError(f"blocks must be a whole number of at least 1, got {count}")
    layers = list(reversed(learnt_layers(model, images).values()))
    if not layers:
        raise UsageError(f"{type(model).__name__} holds no learnt parameters on the way to its logits")
    rest = _evenly(layers[1:], count - 1) if count > 1 else []
    groups = [[layers[0]], *rest] if count > 1 else [layers]
    return tuple(tuple(name for layer in group for name in layer) for group in groups)


def learnt_layers(model: nn.Module, images: Images) -> Layers:
    """Layers in the order of their first run, with the parameters that hold more than one value.

    Left out are parameters of a single value throughout (a scale of 1, a bias of 0, a scalar), which hold no pattern
    to destroy, and layers that the logits do not depend on, as those of a mask head. A parameter whose module is
    never called, but used by one above it, belongs to that one.
    """
    ran = _runs(model, images[:1])
    layers: Layers = {name: [] for name in ran}
    for name, parameter in model.named_parameters():
        owner = name.rpartition(".")[0]
        while owner not in ran and owner:
            owner = owner.rpartition(".")[0]
        if owner in ran and ran[owner] and bool((parameter != parameter.flatten()[0]).any()):
            layers[owner].append(name)
    return {name: parameters for name, parameters in layers.items() if parameters}


def _runs(model: nn.Module, image: Images) -> dict[str, bool]:
    """Modules in the order in which they begin to run, and whether the logits depend on what they give."""
    order: dict[str, list[Tensor]] = {}
    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(partial(_begin, order, name)))
        handles.append(module.register_forward_hook(partial(_end, order, name)))
    try:
        with torch.enable_grad():
            logits = model(image.detach().clone().requires_grad_()).logits
    finally:
        for handle in handles:
            handle.remove()
    held = [(name, tensor) for name, tensors in order.items() for tensor in tensors]
    reached: dict[str, bool] = {name: name == "" for name in order}
    if held:
        slopes = torch.autograd.grad(logits.sum(), [tensor for _, tensor in held], allow_unused=True)
        for (name, _), slope in zip(held, slopes, strict=True):
            reached[name] |= slope is not None
    return reached


def _begin(order: dict[str, list[Tensor]], name: str, module: nn.Module, inputs: Any) -> None:
    order.setdefault(name, [])


def _end(order: dict[str, list[Tensor]], name: str, module: nn.Module, inputs: Any, output: Any) -> None:
    parts = output if isinstance(output, tuple | list) else [output]
    order[name] += [part for part in parts if isinstance(part, Tensor) and part.requires_grad]


def _evenly(layers: Sequence[list[str]], count: int) -> list[list[list[str]]]:
    """At most `count` runs of layers, none empty, whose lengths differ by at most one."""
    count = min(count, len(layers))
    cuts = [len(layers) * i // count for i in range(count + 1)] if count else [0]
    return [list(layers[a:b]) for a, b in pairwise(cuts)]
