"""One forward of a network, recorded operation by operation: what a rewriting of it must not overlook."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# With these the values of a tensor reach Python, where they may choose what is computed next.
_READS = ("aten._local_scalar_dense", "aten.equal", "aten.nonzero")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One call of one module that took and gave a single tensor."""

    module: nn.Module
    input: Tensor
    output: Tensor


@dataclass(kw_only=True)
class Recording:
    """All tensors stay alive, so that one id is one tensor."""

    uses: Counter[int] = field(default_factory=Counter)  # id(tensor) -> operations that took it
    convolved: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # id(output) -> its weight and bias
    made_of: dict[int, list[Tensor]] = field(default_factory=dict)  # id(tensor) -> what its operations took
    runs: list[Run] = field(default_factory=list)  # in order of return, so inner modules come first
    reads: list[str] = field(default_factory=list)  # operations that hand values to Python
    returned: Any = None
    alive: list[Tensor] = field(default_factory=list)

    def returns(self, tensor: Tensor) -> bool:
        return any(tensor is item for item in tensors(self.returned))

    def calls(self, module: nn.Module) -> list[Run]:
        return [run for run in self.runs if run.module is module]

    def maker(self, tensor: Tensor) -> nn.Module | None:
        """The innermost module that gave this very tensor."""
        return next((run.module for run in self.runs if run.output is tensor), None)

    def makers(self, tensor: Tensor, kinds: tuple[type[nn.Module], ...]) -> set[nn.Module]:
        """The last modules of these kinds on every way to this tensor."""
        found: set[nn.Module] = set()
        seen, ahead = {id(tensor)}, [tensor]
        while ahead:
            here = ahead.pop()
            maker = self.maker(here)
            if isinstance(maker, kinds):
                found.add(maker)
                continue
            before = [one for one in self.made_of.get(id(here), []) if id(one) not in seen]
            seen.update(id(one) for one in before)
            ahead += before
        return found


def record(net: nn.Module, images: Tensor) -> Recording:
    """Run `net` on the first two images once, without gradients: they show what depends on which.

    More would cost memory, as every tensor is kept. The hooks are gone afterwards, whatever happened.
    """
    recording = Recording()
    hook = partial(_note, recording)
    handles = [module.register_forward_hook(hook) for module in net.modules()]
    try:
        with torch.inference_mode(False), torch.no_grad(), _Operations(recording):
            recording.returned = net(images[:2])
    finally:
        for handle in handles:
            handle.remove()
    return recording


def tensors(values: Any) -> Iterable[Tensor]:
    """Every tensor in nested tuples, lists, mappings and plain objects."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        yield from tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors(value)
    elif values is not None and hasattr(values, "__dict__"):
        yield from (value for value in vars(values).values() if isinstance(value, Tensor))


def _note(recording: Recording, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
    if len(inputs) == 1 and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
        recording.runs.append(Run(module=module, input=inputs[0], output=output))
        recording.alive += [inputs[0], output]


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Sees every operation below autograd, also those of functions that no module owns."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recording = recording

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here; True would import the compiler, more than a second

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        taken = list(tensors((args, kwargs)))
        self.recording.uses.update({id(tensor) for tensor in taken})
        self.recording.alive += taken
        for made in tensors(result):
            self.recording.made_of.setdefault(id(made), []).extend(taken)
            self.recording.alive.append(made)
        name = str(func)
        if name.startswith(_READS):
            self.recording.reads.append(name)
        if name.startswith("aten.convolution"):
            self.recording.convolved[id(result)] = args[1:3]
        return result
