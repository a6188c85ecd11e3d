"""What training lowers: the loss of the class, and for a multi-task network that of its mask beside it."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from xaiaudit.functional import logit, soft_dice
from xaiaudit.tensors import Outputs
from xaiaudit.training.recipe import Recipe


def dice_loss(mask_logits: Tensor, masks: Tensor) -> Tensor:
    """1 - soft Dice of the sigmoid with the outlined lesion, mean over images; in [0, 1].

    Args:
        mask_logits: (n, 1, h, w).
        masks: (n, 1, h, w) bool; images without a lesion pixel teach nothing and are left out.

    Returns:
        A scalar; 0, with a gradient of 0 that several devices ask for, where no image has a lesion.

    Source: Rasaee 2022, equation 5.
    """
    taught = masks.flatten(1).any(1)
    if not taught.any():
        return mask_logits[taught].sum()
    loss: Tensor = 1 - soft_dice(mask_logits[taught].sigmoid(), masks[taught]).mean()
    return loss


def mask_cross_entropy(mask_logits: Tensor, masks: Tensor, outlined: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of each pixel with the outlined lesion, lesion and background alike, mean over pixels.

    Args:
        mask_logits, masks: as in `dice_loss`.
        outlined: (n,) bool, images whose outline is known; the others are left out, while an outline without a pixel
            teaches that there is no lesion. None: all are known.

    Returns:
        A scalar; 0, with a gradient of 0, where no outline is known.

    Source: Fan et al. 2022, equation 5, which prints the lesion's half alone; a mask of ones everywhere would make
    that 0.
    """
    if outlined is not None:
        mask_logits, masks = mask_logits[outlined], masks[outlined]
    if not len(masks):
        return mask_logits.sum()
    return binary_cross_entropy_with_logits(mask_logits, masks.to(mask_logits))


def pseudo_cross_entropy(mask_logits: Tensor, threshold: float) -> Tensor:
    """`mask_cross_entropy` with the mask's own pixels of a probability above the threshold as the lesion.

    They are constants here, so that no gradient moves the labels. Pixels between a half and the threshold are drawn
    down to the background. Fan et al. 2022, equation 6; Lee 2013 ("Pseudo-label").
    """
    return mask_cross_entropy(mask_logits, mask_logits.detach() > logit(threshold))


def taught(masks: Tensor, recipe: Recipe, outlined: Tensor | None = None) -> Tensor:
    """Which images the recipe's mask loss is the mean over, (n,) bool; pseudo-labels aside."""
    if recipe.mask_loss == "dice":
        return masks.flatten(1).any(1)
    return torch.ones(len(masks), dtype=torch.bool) if outlined is None else outlined


def mask_loss(outputs: Outputs, masks: Tensor, recipe: Recipe, outlined: Tensor | None = None) -> Tensor:
    """The recipe's loss of the mask, a scalar: of known outlines, and by its weight of pseudo-labels where none is.

    Raises:
        ValueError: a network without a mask.

    Source: Fan et al. 2022, L'_loc of equation 6, each part the mean over its own images.
    """
    logits = outputs.mask_logits
    if logits is None:
        raise ValueError("the network gives no mask, so there is no loss of one")
    loss = (
        dice_loss(logits, masks)
        if recipe.mask_loss == "dice"
        else mask_cross_entropy(logits, masks, outlined)
    )
    if recipe.pseudo_weight and outlined is not None and not outlined.all():
        loss = loss + recipe.pseudo_weight * pseudo_cross_entropy(logits[~outlined], recipe.pseudo_threshold)
    return loss


def class_loss(logits: Tensor, labels: Tensor, recipe: Recipe, weights: Tensor | None) -> Tensor:
    """The loss of the class logits (n, k), a scalar.

    - cross-entropy, `weights` of the classes (k,) in its mean; of a one-logit model, read as [0, z], binary.
    - weighted: the mean over n of w_t CE. Of two classes with z = z1 - z0 and t the positive class this is
      (1 - t) z + (1 + (w - 1) t) softplus(-z), Shareef et al. 2023, equation 9, whose print has the opposite
      sign and overflows. It stays finite for every logit.
    - focal: the mean over n of a_t (1 - p_t)^gamma CE, p_t the probability of the label. Lin et al. 2017,
      arXiv:1708.02002, equation 5 (equation 10 of Shareef et al. loses the gamma of one term).
    """
    if recipe.loss == "cross-entropy" or weights is None:
        return cross_entropy(logits, labels, weight=weights)
    losses = cross_entropy(logits, labels, reduction="none")
    if recipe.loss == "focal":
        losses = losses * (-torch.expm1(-losses)) ** recipe.focal_gamma
    return (weights[labels] * losses).mean()


def task_loss(
    outputs: Outputs,
    labels: Tensor,
    masks: Tensor | None,
    recipe: Recipe,
    weights: Tensor | None,
    outlined: Tensor | None = None,
) -> Tensor:
    """The class loss; with a mask head, alpha times it plus beta times the mask loss.

    Source: Rasaee 2022, equations 4 and 6; Fan et al. 2022, equation 6, with alpha their lambda and beta 1 - lambda.
    """
    classification = class_loss(outputs.logits, labels, recipe, weights)
    if outputs.mask_logits is None or masks is None:
        return classification
    return recipe.alpha * classification + recipe.beta * mask_loss(outputs, masks, recipe, outlined)


def class_weights(recipe: Recipe, labels: Tensor, classes: int, positive: int) -> Tensor | None:
    """What the recipe weighs each class by, (k,) float32; None: all alike. `labels` are those trained on."""
    if recipe.loss == "weighted":
        weights = torch.ones(classes)
        weights[positive] = recipe.positive_weight
        return weights
    if recipe.loss == "focal":
        weights = torch.full((classes,), 1 - recipe.focal_alpha)
        weights[positive] = recipe.focal_alpha
        return weights
    return balanced_weights(labels, classes) if recipe.class_weights == "balanced" else None


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """n / (k n_c) for each class, (k,) float32, so that every class weighs the same in sum."""
    counts = torch.bincount(labels, minlength=classes)
    return (len(labels) / (classes * counts)).float()
