"""What training lowers: cross-entropy, and for a multi-task network the Dice loss of its mask beside it."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from xaiaudit.functional import soft_dice
from xaiaudit.tensors import Outputs
from xaiaudit.training.recipe import Recipe


def dice_loss(mask_logits: Tensor, masks: Tensor) -> Tensor:
    """1 - soft Dice of the sigmoid with the outlined lesion, mean over images; in [0, 1].

    Args:
        mask_logits: (n, 1, h, w).
        masks: (n, 1, h, w) bool; images without a lesion pixel teach nothing and are left out.

    Returns:
        A scalar; 0, without a gradient, where no image has a lesion.

    Source: Rasaee 2022, equation 5.
    """
    taught = masks.flatten(1).any(1)
    if not taught.any():
        return mask_logits.new_zeros(())
    loss: Tensor = 1 - soft_dice(mask_logits[taught].sigmoid(), masks[taught]).mean()
    return loss


def task_loss(
    outputs: Outputs, labels: Tensor, masks: Tensor | None, recipe: Recipe, class_weights: Tensor | None
) -> Tensor:
    """Cross-entropy of the class logits; with a mask head, alpha times it plus beta times the Dice loss.

    Of a one-logit model, read as [0, z], it is binary. Source: Rasaee 2022, equations 4 and 6.
    """
    classification = cross_entropy(outputs.logits, labels, weight=class_weights)
    if outputs.mask_logits is None or masks is None:
        return classification
    return recipe.alpha * classification + recipe.beta * dice_loss(outputs.mask_logits, masks)


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """n / (k n_c) for each class, (k,) float32, so that every class weighs the same in sum."""
    counts = torch.bincount(labels, minlength=classes)
    return (len(labels) / (classes * counts)).float()
