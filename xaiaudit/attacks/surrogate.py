"""A smooth stand-in for a network with ReLUs, to search with: what it finds is judged on the network itself.

The gradient of a piecewise linear network is constant between its kinks, so a map made of gradients has no gradient
of its own there. With softplus in the place of ReLU it has.

Source: Dombrowski et al. 2019, arXiv:1906.07983, who so attack the explanations of ReLU networks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from xaiaudit.tensors import Images, Model, Outputs

Smooth = Callable[..., Tensor]


@dataclass(frozen=True, eq=False)
class Smoothed:
    """`model` with softplus of sharpness `beta` in the place of every ReLU, in what else is made of them too.

    ReLU6 becomes the difference of two softplus, hardtanh likewise, hardswish x ReLU6(x + 3) / 6. Modules and
    functions alike are replaced, while the model is called: nothing is copied and nothing stays. The larger
    `beta`, the nearer to the model itself.
    """

    model: Model
    beta: float

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        with _Replacing(_replacements(self.beta)):
            return self.model(images, layers)


class _Replacing(TorchFunctionMode):
    """Calls others in the place of some functions of torch."""

    def __init__(self, by: Mapping[Any, Smooth]) -> None:
        super().__init__()
        self.by = by

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self.by.get(func, func)(*args, **(kwargs or {}))


def _replacements(beta: float) -> Mapping[Any, Smooth]:
    def softplus(x: Tensor) -> Tensor:
        # as torch's, but differentiable in float32 wherever it is: log(1 + exp(beta x)) / beta
        return F.softplus(x, beta=beta, threshold=30.0)

    def relu(x: Tensor, inplace: bool = False) -> Tensor:
        return softplus(x)

    def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
        return min_val + softplus(x - min_val) - softplus(x - max_val)

    def relu6(x: Tensor, inplace: bool = False) -> Tensor:
        return hardtanh(x, 0.0, 6.0)

    def hardsigmoid(x: Tensor, inplace: bool = False) -> Tensor:
        return relu6(x + 3) / 6

    def hardswish(x: Tensor, inplace: bool = False) -> Tensor:
        return x * hardsigmoid(x)

    def overwritten(x: Tensor) -> Tensor:
        return x.copy_(softplus(x))

    return {
        F.relu: relu,
        torch.relu: relu,
        Tensor.relu: relu,
        torch.relu_: overwritten,
        Tensor.relu_: overwritten,
        F.relu6: relu6,
        F.hardtanh: hardtanh,
        F.hardsigmoid: hardsigmoid,
        F.hardswish: hardswish,
    }
