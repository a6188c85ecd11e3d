"""By how much a class leads the others: the formula that the criteria of the decision share."""

import torch
from torch import Tensor

from xaiaudit.functional import margin
from xaiaudit.tensors import Labels, Logits


def lead(logits: Logits, label: Labels, threshold: float) -> Tensor:
    """(n, k - 1): by how much each image's `label` leads each other class, in logits.

    Two classes: the margin at the operating threshold, with its sign turned for class 0.
    """
    classes = logits.shape[1]
    if classes == 2:
        signed: Tensor = margin(logits, threshold) * (2 * label - 1).to(logits)
        return signed[:, None]
    others = (label[:, None] + torch.arange(1, classes, device=logits.device)) % classes
    return logits.gather(1, label[:, None]) - logits.gather(1, others)
