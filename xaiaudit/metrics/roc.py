"""The ROC curve on margins, and the operating threshold that it suggests."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from xaiaudit.functional import logit
from xaiaudit.records import RocPoint
from xaiaudit.types import Flags, Vector

REPRESENTABLE = (-700.0, 36.0)  # logits: beyond them a probability in float64 is 0, or 1 or its neighbour


def roc(labels: Flags, margins: Vector) -> list[RocPoint]:
    """Every operating point, from (0, 0) to (1, 1), one for each distinct margin.

    Args:
        labels: (n,) bool, True for the positive class; both must occur.
        margins: (n,), in logits.

    Returns:
        n' + 1 points; the first one's margin is the smallest number above all margins.

    Raises:
        ValueError: a class is missing, so that one of the rates is undefined.
    """
    cuts, false_positive, true_positive = _rates(labels, margins)
    return [
        RocPoint(false_positive_rate=float(f), true_positive_rate=float(t), margin=float(m))
        for m, f, t in zip(cuts, false_positive, true_positive, strict=True)
    ]


def best_threshold(labels: Flags, margins: Vector) -> float:
    """The probability whose decisions lie nearest to the upper left corner of the ROC.

    It stands midway (in logits) between the margins on either side, so that `margins >= logit(p)` decides
    exactly as that point of the ROC does. At equal distance the more sensitive point wins. A point whose
    threshold float64 cannot tell from 1 (margins saturated beyond 36) gives way to the nearest point that has
    one.

    Args:
        labels: (n,) bool, True for the positive class; both must occur.
        margins: (n,) z1 - z0, in logits, before any threshold, in the precision that will decide.

    Returns:
        p strictly between 0 and 1.

    Raises:
        ValueError: a class is missing.
    """
    cuts, false_positive, true_positive = _rates(labels, margins)
    distance = np.hypot(false_positive, 1 - true_positive)
    below = np.append(cuts[1:], cuts[-1] - 2)  # the next smaller margin
    for i in np.lexsort((-true_positive, distance.round(12))):
        upper = cuts[i] if i else cuts[0] + 2
        p = float(expit(np.clip((below[i] + upper) / 2, *REPRESENTABLE)))
        if np.array_equal(margins - logit(p) >= 0, margins >= cuts[i]):
            return p
    return 0.5  # only if two margins on each side of every cut are neighbours in their own precision


def _rates(
    labels: Flags, margins: Vector
) -> tuple[Float[np.ndarray, "m"], Float[np.ndarray, "m"], Float[np.ndarray, "m"]]:
    """Cuts in falling order, and the share of negatives and of positives at or above each."""
    if labels.all() or not labels.any():
        raise ValueError(
            f"an ROC needs both classes, got {int(labels.sum())} positive of {len(labels)} images"
        )
    distinct, index = np.unique(margins.astype(np.float64), return_inverse=True)
    cuts = np.append(np.nextafter(distinct[-1], np.inf), distinct[::-1])
    rates = [
        np.append(0, np.bincount(index[of_class], minlength=len(distinct))[::-1].cumsum()) / of_class.sum()
        for of_class in (~labels, labels)
    ]
    return cuts, rates[0], rates[1]
