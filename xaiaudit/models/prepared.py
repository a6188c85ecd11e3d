"""A model made ready for many forwards and backwards: what an attack searches with, and what judges it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from xaiaudit.models.audited import AuditedModel
from xaiaudit.models.execution import channels_last
from xaiaudit.models.features import caught
from xaiaudit.models.folding import Folded, fold
from xaiaudit.tensors import Images, Model, Outputs

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The model twice over, for as long as the context lasts, and what was done, in plain values."""

    search: Model  # for gradients: batch norm folded, in the precision asked for
    judge: Model  # for decisions: the model itself, in float32
    precision: Precision
    folded: int  # batch norms folded into the layer before them
    batch_norms: int  # that the network has
    why_not: str  # why others stand; empty where none does
    memory_format: str = "channels last"

    def words(self) -> str:
        """One line for a report."""
        count = (
            f"{self.folded} of {self.batch_norms} batch norms folded" if self.batch_norms else "no batch norm"
        )
        why_not = f" ({self.why_not})" if self.why_not else ""
        return f"searched in {self.precision}, {self.memory_format}, {count}{why_not}; judged in float32"


@contextmanager
def prepared(model: AuditedModel, precision: Precision = "float32") -> Iterator[Prepared]:
    """`model` held frozen in eval mode and channels last, beside a faster copy of its network to search with.

    The copy shares every weight that folding leaves alone, and is dropped afterwards; the model is then as it
    was before.
    """
    with model, channels_last(model.net):
        folded = fold(model.net, model.normalise(_test_images(model)))
        search = _Search(model, folded)
        try:
            yield Prepared(
                search=search,
                judge=model,
                precision=precision,
                folded=len(folded.pairs),
                batch_norms=folded.norms,
                why_not=folded.why or _most_common(folded),
            )
        finally:
            search.close()


class _Search:
    """`AuditedModel.forward` through another network of the same layers."""

    def __init__(self, model: AuditedModel, folded: Folded) -> None:
        self.model, self.changed = model, folded.changed
        self.net: nn.Module | None = folded.net

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        if self.net is None or self.changed.intersection(layers):
            # A layer that took over its batch norm gives other features than the model's.
            return self.model(images, layers)  # type: ignore[no-any-return]  # what forward says
        with caught(self.net, layers) as features:
            returned = self.net(self.model.normalise(images))
        return replace(self.model.read(returned, images), features=features)

    def close(self) -> None:
        """Let go of the copy; what is still asked is answered by the model itself."""
        self.net = None


def _test_images(model: AuditedModel) -> Tensor:
    """Noise, black, white, and an edge, at the size that the model was made for."""
    size = model.preprocessing.size
    noise = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    plain = torch.stack((torch.zeros(1, size, size), torch.ones(1, size, size)))
    edge = (torch.arange(size) >= size // 2).float().expand(1, 1, size, size)
    return torch.cat((noise, plain, edge)).to(model.mean)


def _most_common(folded: Folded) -> str:
    reasons = list(folded.left.values())
    return max(reasons, key=reasons.count) if reasons else ""
