"""Feature maps of named layers, caught during one forward."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError


@contextmanager
def caught(net: nn.Module, layers: tuple[str, ...]) -> Iterator[dict[str, Tensor]]:
    """Within it, one forward of `net` fills the mapping layer -> that layer's own output, (n, c, u, v).

    The layer's output is kept and a clone goes on, so that an in-place activation after the layer cannot
    change what was kept; gradients flow through. With gradients enabled, the kept tensor requires a gradient
    even where the images and the parameters do not. The hooks are gone afterwards, whatever happened.

    Raises:
        UsageError: an unknown layer, one that did not run or ran more than once, or one whose output is not
            a single (n, c, u, v) tensor.
    """
    kept: dict[str, Tensor] = {}
    modules = {name: module_at(net, name) for name in layers}
    handles = [module.register_forward_hook(partial(_keep, kept, name)) for name, module in modules.items()]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()
    for name in layers:
        if name not in kept:
            raise UsageError(
                f"layer {name!r} did not run in the forward pass; name a layer on the way to the logits"
            )


def module_at(net: nn.Module, name: str) -> nn.Module:
    """The module of that dotted name, as `net.named_modules()` lists it.

    Raises:
        UsageError: there is none; the nearest names are listed.
    """
    try:
        if name:
            return net.get_submodule(name)
    except AttributeError:
        pass  # told below
    names = [known for known, _ in net.named_modules()]
    near = get_close_matches(name, names, n=3, cutoff=0.3) or [child for child, _ in net.named_children()]
    raise UsageError(
        f"no layer {name!r} in {type(net).__name__}; the nearest are {', '.join(near) or 'none'}"
    )


def _keep(kept: dict[str, Tensor], name: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> Tensor:
    if name in kept:
        raise UsageError(
            f"layer {name!r} runs more than once in a forward pass, so it has no one feature map; "
            "name the block around it"
        )
    if not isinstance(output, Tensor) or output.ndim != 4:
        got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise UsageError(
            f"layer {name!r} ({type(module).__name__}) gives {got}, not feature maps (n, c, u, v); "
            "name a convolutional layer"
        )
    if torch.is_grad_enabled() and not output.requires_grad:
        output.requires_grad_()
    kept[name] = output
    return output.clone()
