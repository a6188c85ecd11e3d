"""What explainers share that read the feature maps of one layer from a single forward."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import torch

from xaiaudit.explainers.reading import layer_of
from xaiaudit.tensors import Images, Labels, Model, Outputs, Saliency, Valid


@runtime_checkable
class OfLayer(Protocol):
    """A frozen dataclass with a `layer` becomes `base.FromOutputs` by naming this and `from_outputs`."""

    signed: ClassVar[bool] = False
    gradients: ClassVar[bool] = False  # `from_outputs` differentiates

    @property
    def layer(self) -> str | None:
        """None: the model's own."""
        ...

    def __call__(
        self,
        model: Model,
        images: Images,
        target: Labels,
        *,
        valid: Valid | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Saliency:
        # A graph begins at the layer, not at the images: nothing before it is stored or differentiated.
        with torch.set_grad_enabled(self.gradients):
            outputs = model(images.detach(), layers=self.needs(model))
            return self.from_outputs(model, outputs, target, valid=valid)

    def explained(self, model: Model) -> str:
        """See `base.Explainer`."""
        (layer,) = self.needs(model)
        return layer

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        """See `base.Explainer`: the one that is made anyway."""
        return 1

    def needs(self, model: Model) -> tuple[str, ...]:
        return (layer_of(model, self.layer),)

    def from_outputs(
        self, model: Model, outputs: Outputs, target: Labels, *, valid: Valid | None = None
    ) -> Saliency:
        """See `base.FromOutputs`."""
        ...
