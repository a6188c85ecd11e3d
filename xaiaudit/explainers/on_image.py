"""What explainers share that see the model from outside: pixels in, a class score out."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from xaiaudit.explainers.reading import check_target
from xaiaudit.seeds import default_seeds
from xaiaudit.tensors import Images, Labels, Model, Saliency, Scores, Valid

AT_ONCE = 32  # images in one forward of those that a single image asks for, so that memory stays bounded


@runtime_checkable
class OnImage(Protocol):
    """A frozen dataclass becomes an explainer of pixels (`base.Explainer`) by naming this and `attribute`.

    Padding is no part of the image: it has no relevance, and `attribute` must not alter it to find the others'.
    """

    signed: ClassVar[bool] = False

    def attribute(
        self, model: Model, images: Images, target: Labels, valid: Valid, seeds: Sequence[int]
    ) -> Saliency:
        """(n, h, w); what it says of padding is dropped."""
        ...

    def explained(self, model: Model) -> str:
        """See `base.Explainer`."""
        return "image"

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        """See `base.Explainer`; one of them only to check the target."""
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
        images = images.detach()
        with torch.no_grad():
            check_target(model(images), target)
        if valid is None:
            valid = torch.ones_like(images[:, :1], dtype=torch.bool)
        maps = self.attribute(model, images, target, valid, default_seeds(images) if seeds is None else seeds)
        return torch.where(valid[:, 0], maps.detach(), 0)


def score_of(model: Model) -> Callable[[Images, Labels], Scores]:
    """Images and their classes to the score that is explained, one an image: `Outputs.class_score`."""
    return lambda images, target: model(images).class_score(target)


def slopes_of(model: Model, images: Images, target: Labels, valid: Valid) -> Tensor:
    """Gradient of each image's score to its own intensities, (n, h, w), 0 where not valid; summed over the channels."""
    with torch.enable_grad():
        pixels = images.detach().requires_grad_()
        score = score_of(model)(pixels, target).sum()  # images do not meet
        (slopes,) = torch.autograd.grad(score, pixels)
    return torch.where(valid, slopes, 0).sum(1)
