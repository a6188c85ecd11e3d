"""A model made ready for many forwards and backwards: what an attack searches with, and what judges it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from xaiaudit.models.audited import AuditedModel
from xaiaudit.models.bf16 import in_bf16
from xaiaudit.models.execution import channels_last, memory_kept
from xaiaudit.models.features import caught, module_at
from xaiaudit.models.folding import Folded, fold
from xaiaudit.models.relu6 import with_lean_relu6
from xaiaudit.tensors import Images, Model, Outputs

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The model twice over, for as long as the context lasts, and what was done, in plain values."""

    search: Model  # for gradients: batch norm folded, in `precision`
    judge: Model  # for decisions: the model itself, in float32
    precision: Precision  # of the search, which is float32 where `bf16` cannot be had
    folded: int  # batch norms folded into the layer before them
    batch_norms: int  # that the network has
    notes: tuple[str, ...]  # why others stand, and why float32
    memory_format: str = "channels last"

    def words(self) -> str:
        """One line for a report."""
        count = (
            f"{self.folded} of {self.batch_norms} batch norms folded" if self.batch_norms else "no batch norm"
        )
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return f"searched in {self.precision}, {self.memory_format}, {count}{notes}; judged in float32"


@contextmanager
def prepared(model: AuditedModel, precision: Precision = "float32") -> Iterator[Prepared]:
    """`model` held frozen in eval mode and channels last, beside a faster copy of its network to search with.

    The copy shares every weight that folding and bf16 leave alone, and is dropped afterwards; the model is then
    as it was before. Freed memory is kept for the next step meanwhile (`execution.memory_kept`).
    """
    with model, channels_last(model.net), memory_kept():
        folded = fold(model.net, model.normalise(_test_images(model)))
        net = with_lean_relu6(folded.net)
        search, notes = _Search(model, net, folded.changed), [folded.why or _most_common(folded)]
        if precision == "bf16":
            faster, why = _try_bf16(model, net, folded.changed)
            search, precision = (faster, precision) if faster else (search, "float32")
            notes.append(why)
        try:
            yield Prepared(
                search=search,
                judge=model,
                precision=precision,
                folded=len(folded.pairs),
                batch_norms=folded.norms,
                notes=tuple(note for note in notes if note),
            )
        finally:
            search.close()


class _Search:
    """`AuditedModel.forward` through another network of the same layers; under autocast if it is in bf16."""

    def __init__(
        self, model: AuditedModel, net: nn.Module, changed: frozenset[str], *, bf16: bool = False
    ) -> None:
        self.model, self.changed, self.bf16 = model, changed, bf16
        self.net: nn.Module | None = net

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        if self.net is None or self.changed.intersection(layers):
            # A layer that took over its batch norm gives other features than the model's.
            return self.model(images, layers)  # type: ignore[no-any-return]  # what forward says
        given = self.model.normalise(images)
        with (
            _in_float32(self.net, layers if self.bf16 else ()),
            caught(self.net, layers) as features,
            torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16),
        ):
            returned = self.net(given)
        return replace(self.model.read(returned, images), features=features)

    def close(self) -> None:
        """Let go of the copy; what is still asked is answered by the model itself."""
        self.net = None


def _try_bf16(model: AuditedModel, net: nn.Module, changed: frozenset[str]) -> tuple[_Search | None, str]:
    """The search in bf16, or why there is none: some operations exist in float32 alone."""
    try:
        x = _test_images(model)
        search = _Search(model, in_bf16(net, model.normalise(x)), changed, bf16=True)
        x.requires_grad_()
        out = search(x)
        (grad,) = torch.autograd.grad(out.logits.sum(), x)
    except (AttributeError, RuntimeError, TypeError) as error:
        return None, f"no bf16: {str(error).partition(chr(10))[0]}"
    if not (out.logits.isfinite().all() and grad.isfinite().all()):
        return None, "no bf16: logits or gradients are not finite in it"
    return search, ""


@contextmanager
def _in_float32(net: nn.Module, layers: tuple[str, ...]) -> Iterator[None]:
    """These layers give float32, whatever they computed in: features are read and differentiated in it."""
    handles = [
        module_at(net, name).register_forward_hook(
            lambda _module, _inputs, output: output.float() if isinstance(output, Tensor) else output
        )
        for name in layers
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _test_images(model: AuditedModel) -> Tensor:
    """Noise, black, white, and an edge, at the size that the model was made for."""
    size = model.preprocessing.size
    noise = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    plain = torch.stack((torch.zeros(1, size, size), torch.ones(1, size, size)))
    edge = (torch.arange(size) >= size // 2).float().expand(1, 1, size, size)
    return torch.cat((noise, plain, edge)).to(model.mean).repeat(1, model.preprocessing.given, 1, 1)


def _most_common(folded: Folded) -> str:
    reasons = list(folded.left.values())
    return f"most of the others not, as {max(reasons, key=reasons.count)}" if reasons else ""
