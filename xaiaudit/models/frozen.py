"""A network held in eval mode with frozen parameters, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """`net` in eval mode with frozen parameters; afterwards every flag is as it was."""
    modes = [(module, module.training) for module in net.modules()]
    grads = [(parameter, parameter.requires_grad) for parameter in net.parameters()]
    try:
        net.eval()
        net.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in grads:
            parameter.requires_grad_(requires_grad)
