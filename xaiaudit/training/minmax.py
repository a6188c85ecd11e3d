"""The loss of a batch in adversarial training: the worst images are found first, then the network learns from them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xaiaudit.models.frozen import frozen
from xaiaudit.tensors import Outputs
from xaiaudit.training.adversarial import Adversarial
from xaiaudit.training.arrays import Batch
from xaiaudit.training.inner import Loss, divergence, hardest, leave_clean, leave_label
from xaiaudit.training.losses import mask_loss, task_loss
from xaiaudit.training.recipe import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True, kw_only=True, eq=False)
class MinMax:
    """`net` takes part in the backward pass and may be a wrapper for several devices; `bare` is what it wraps."""

    net: nn.Module
    bare: nn.Module
    read: Callable[[nn.Module, Tensor], Outputs]  # of grey images in [0, 1]
    recipe: Recipe
    class_weights: Tensor | None
    generator: torch.Generator
    fabric: "Fabric"

    def plain(self, batch: Batch) -> Tensor:
        """Of the images as they are."""
        return self._task(self.read(self.net, batch.images), batch)

    def outline(self, batch: Batch) -> Tensor:
        """Of the mask alone, whose images all have an outline; the diagnosis gets a gradient of 0."""
        if batch.masks is None:
            raise ValueError("a batch without masks has no loss of the mask alone")
        out = self.read(self.net, batch.images)
        # several devices must have a gradient of every weight
        return mask_loss(out, batch.masks, self.recipe, batch.outlined) + 0 * out.logits.sum()

    def moved(self, batch: Batch, adversarial: Adversarial, epsilon: float) -> Tensor:
        """At this radius; see `Adversarial` for the methods."""
        if adversarial.method == "trades":
            return self._trades(batch, adversarial, epsilon)
        kept = int(adversarial.clean_share * len(batch.images))  # the order of the images is random
        rest = batch.take(slice(kept, None))
        moved = self._search(rest, leave_label(rest.labels), adversarial, epsilon)
        return self._task(self.read(self.net, torch.cat((batch.images[:kept], moved))), batch)

    def _trades(self, batch: Batch, adversarial: Adversarial, epsilon: float) -> Tensor:
        with frozen(self.bare), torch.no_grad(), self.fabric.autocast():
            clean = self.read(self.bare, batch.images).logits
        moved = self._search(batch, leave_clean(clean), adversarial, epsilon)
        out = self.read(self.net, torch.cat((batch.images, moved)))  # one forward: batch norm sees both
        n = len(moved)
        mask = None if out.mask_logits is None else out.mask_logits[:n]
        shifts = divergence(out.logits[:n], out.logits[n:])
        weights = torch.ones_like(shifts) if self.class_weights is None else self.class_weights[batch.labels]
        weight = 1.0 if mask is None else self.recipe.alpha
        shift = (weights * shifts).sum() / weights.sum()
        return self._task(Outputs(out.logits[:n], mask), batch) + weight * adversarial.trades_beta * shift

    def _search(self, batch: Batch, loss: Loss, adversarial: Adversarial, epsilon: float) -> Tensor:
        with self.fabric.autocast():
            return hardest(
                self.bare,
                lambda images: self.read(self.bare, images),
                batch.images,
                loss,
                self.generator,
                epsilon=epsilon,
                steps=adversarial.inner_steps,
                step_size=adversarial.step_share * epsilon,
                valid=batch.valid,
            )

    def _task(self, out: Outputs, batch: Batch) -> Tensor:
        return task_loss(out, batch.labels, batch.masks, self.recipe, self.class_weights, batch.outlined)
