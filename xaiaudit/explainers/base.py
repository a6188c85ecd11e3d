"""What every explainer looks like from outside."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from xaiaudit.tensors import Images, Labels, Model, Outputs, Saliency, Valid


@runtime_checkable
class Explainer(Protocol):
    """A frozen dataclass, callable: a batch of images to raw maps on the grid that the method has.

    Nothing is normalised, nothing is left on the model. A map may hold no positive value: it is then
    undefined, which the metrics count; it is never repaired here.
    """

    @property
    def signed(self) -> bool:
        """Negative values carry meaning (CAM), so that the minimum is an extreme too."""
        ...

    def explained(self, model: Model) -> str:
        """What the cells of a map are: those of a layer, by its name, or the pixels of the "image".

        Raises:
            UsageError: the model cannot be explained so. Asked before any long work.
        """
        ...

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        """How many images of `size`, rows and columns, the network must see for the map of one."""
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
        """(n, u, v) maps of the class `target`, one an image.

        Args:
            model: whose decisions are explained; it is left as it was.
            images: (n, c, h, w), in [0, 1].
            target: (n,) class index.
            valid: (n, 1, h, w) real pixels. A map of the pixels is 0 elsewhere, and what is elsewhere is never
                altered to get it; the cells of a layer see padding and image at once, so its maps ask for
                nothing but which part of a predicted mask is real. None: all pixels are real.
            seeds: of each image's random draws, so that a changed image can be explained with the draws of the
                original; None: from the pixels.
        """
        ...


@runtime_checkable
class FromOutputs(Explainer, Protocol):
    """An explainer that can read its maps from a forward that is made anyway."""

    @property
    def gradients(self) -> bool:
        """`from_outputs` differentiates: the forward must be made with gradients enabled."""
        ...

    def needs(self, model: Model) -> tuple[str, ...]:
        """The layers whose features `from_outputs` reads."""
        ...

    def from_outputs(
        self, model: Model, outputs: Outputs, target: Labels, *, valid: Valid | None = None
    ) -> Saliency:
        """The same maps from a forward with `needs` as its layers, and `valid` as in a call."""
        ...


@runtime_checkable
class TracedExplainer(FromOutputs, Protocol):
    """An explainer whose maps can be differentiated back to the images, as attacks on explanations do."""

    def traced(self, model: Model, outputs: Outputs, target: Labels) -> Saliency:
        """The maps of `from_outputs`, with the graph back to the images that `outputs` were made from."""
        ...
