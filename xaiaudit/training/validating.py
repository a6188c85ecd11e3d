"""What an epoch of training makes of the validation images."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from xaiaudit.functional import decision
from xaiaudit.metrics.auc import auc as area_under_curve
from xaiaudit.models import AuditedModel
from xaiaudit.training.arrays import Arrays
from xaiaudit.training.losses import class_loss, mask_loss, taught
from xaiaudit.training.recipe import Recipe


@torch.inference_mode()
def validate(
    model: AuditedModel,
    images: Arrays,
    recipe: Recipe,
    class_weights: Tensor | None,
    *,
    device: torch.device,
    mask_alone: bool,
) -> tuple[float, float | None, float]:
    """Mean loss an image, the AUC of two classes and the accuracy, without augmentation and dropout.

    The class loss is that of all images at once, the mask loss the mean over the images that teach a mask: neither
    depends on the batches. Pseudo-labels have no part in the loss: they would praise a mask for being sure.
    """
    model.net.eval()
    judged = replace(recipe, pseudo_weight=0.0)
    masks: list[tuple[int, float]] = []  # of each batch: how many images teach a mask, and their mean loss
    logits: list[Tensor] = []
    for rows in torch.arange(len(images)).chunk(math.ceil(len(images) / recipe.batch_size)):
        batch = images.batch(rows, device)
        shown = batch.with_outline().images if model.preprocessing.takes_mask else batch.images
        outputs = model.read(model.net(model.normalise(shown)), shown)
        logits.append(outputs.logits.float())
        if outputs.mask_logits is not None and batch.masks is not None:
            teach = int(taught(batch.masks, judged, batch.outlined).sum())
            masks.append((teach, float(mask_loss(outputs, batch.masks, judged, batch.outlined))))
    said = torch.cat(logits)
    loss = float(class_loss(said, images.labels.to(device), judged, class_weights))
    if masks:
        of_masks = sum(teach * mean for teach, mean in masks) / max(1, sum(teach for teach, _ in masks))
        loss = of_masks if mask_alone else recipe.alpha * loss + recipe.beta * of_masks
    return loss, _auc(said, images.labels), float((decision(said).cpu() == images.labels).float().mean())


@torch.inference_mode()
def said(
    model: AuditedModel, images: Arrays, recipe: Recipe, *, device: torch.device
) -> tuple[float | None, float | None]:
    """AUC of two classes and accuracy, as in `validate`, of the images that have a label; of none, None."""
    model.net.eval()
    parts = torch.split(torch.arange(len(images)), recipe.batch_size)
    logits = torch.cat([model(images.batch(rows, device).images).logits.float() for rows in parts]).cpu()
    labelled = images.labels >= 0
    logits, labels = logits[labelled], images.labels[labelled]
    if not len(labels):
        return None, None
    return _auc(logits, labels), float((decision(logits) == labels).float().mean())


def _auc(logits: Tensor, labels: Tensor) -> float | None:
    """Of two classes; None of more, of one that does not occur, or where a logit is not finite."""
    if logits.shape[1] != 2 or not logits.isfinite().all():
        return None
    scores = (logits[:, 1] - logits[:, 0]).cpu().numpy()
    return area_under_curve(labels.numpy() == 1, scores, range(len(scores))).estimate
