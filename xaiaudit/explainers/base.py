"""What every explainer looks like from outside."""

from typing import Protocol, runtime_checkable

from xaiaudit.tensors import Images, Labels, Model, Outputs, Saliency


@runtime_checkable
class Explainer(Protocol):
    """A frozen dataclass, callable: a batch of images to raw maps on the layer's own grid.

    Nothing is normalised, nothing is left on the model. A map may hold no positive value: it is then
    undefined, which the metrics count; it is never repaired here.
    """

    @property
    def signed(self) -> bool:
        """Negative values carry meaning (CAM), so that the minimum is an extreme too."""
        ...

    def __call__(self, model: Model, images: Images, target: Labels) -> Saliency:
        """(n, u, v) maps of the class `target`, one a image."""
        ...

    def needs(self, model: Model) -> tuple[str, ...]:
        """The layers whose features `from_outputs` reads."""
        ...

    def from_outputs(self, model: Model, outputs: Outputs, target: Labels) -> Saliency:
        """The same maps from a forward that was made anyway, with `needs` as its layers and gradients on."""
        ...
