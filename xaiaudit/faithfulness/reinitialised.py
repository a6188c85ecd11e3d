"""A model some of whose weights are drawn anew for a while."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from xaiaudit.seeds import image_seed


@contextmanager
def reinitialised(
    model: nn.Module, parameters: Collection[str], *, seed: int, draw: int = 0
) -> Iterator[None]:
    """Within it, the named parameters are fresh normal draws; afterwards every weight and buffer is as it was.

    Each tensor keeps its own mean and standard deviation, so that activations keep their size. The initialisers of
    torch do not give back a trained network's scale: a MobileNetV2 drawn anew by `reset_parameters` sends features
    of 1e-8 to its last layer, and a map of those is rounding (docs/faithfulness.md). Draws depend on the seed, the
    number of the draw and the parameter's name, so that a layer is the same alone as in a cascade. Statistics of
    batch norms stay.

    The model is restored bit by bit, also after an exception, and no parameter becomes another object.
    """
    state = [*model.named_parameters(), *model.named_buffers()]
    changed = [(name, tensor) for name, tensor in state if name in parameters]
    before = {name: tensor.detach().clone() for name, tensor in state}
    try:
        with torch.no_grad():
            for name, tensor in changed:
                tensor.copy_(_fresh(tensor, image_seed(f"{name}/{draw}", seed)))
        yield
    finally:
        with torch.no_grad():
            for name, tensor in state:
                if not torch.equal(tensor, before[name]):
                    tensor.copy_(before[name])


def _fresh(tensor: Tensor, seed: int) -> Tensor:
    values = tensor.detach().double()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64).to(tensor.device)
    return values.mean() + values.std(correction=0) * noise
