"""The malignant veto of Gao et al. (FT-MTL-Net), section 2.3: from regions to the decision on an image."""

from collections.abc import Sequence

import torch
from torch import Tensor


def veto(log_odds: Sequence[Tensor]) -> Tensor:
    """(r, 2) log-odds of benign and malignant of each image's regions to the log-odds (n, 1) of malignancy.

    One region that is more likely malignant than all else makes the image malignant, with the highest such score
    (here its log-odds). If there is none, the score is 1 - the highest score of a region that is more likely benign
    than all else, which is minus its log-odds. Non-maximum suppression changes neither, as it keeps the likeliest of a
    class.

    Of an image in which nothing is more likely a lesion than not, the paper says nothing: its formula would call it
    malignant with score 1. Here it is the likeliest malignant score of any region, which is under one half.
    """
    return torch.stack([_of_one(odds) for odds in log_odds])[:, None]


def _of_one(log_odds: Tensor) -> Tensor:
    benign, malignant = log_odds.amax(0).unbind()
    return -benign if malignant < 0 and benign >= 0 else malignant
