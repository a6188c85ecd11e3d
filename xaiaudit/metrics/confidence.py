"""Label flips by confidence: are the decisions that flip those that the model was not sure of?"""

from scipy.special import expit

from xaiaudit.metrics.bootstrap import distribution, quartiles
from xaiaudit.metrics.calibration import equal_bins
from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import ConfidenceBin, ConfidenceRecord
from xaiaudit.types import Flags, Vector

MOST = 4  # bins


def confidence_record(before: Vector, after: Vector, flipped: Flags, cases: Cases) -> ConfidenceRecord | None:
    """Flip rates in bins of about as many images, by how far the logits carried the clean decision.

    Args:
        before: (n,) by how much the logits carry the clean decision, in logits, 0 or more.
        after: (n,) by how much those after the attack carry the decision that they make.
        flipped: (n,) bool.
        cases: the case id of each image.

    Returns:
        Confidences in [0.5, 1], the logistic of these; None without an image. See `ConfidenceRecord`.
    """
    if not len(flipped):
        return None
    bins = equal_bins(before, MOST)  # in logits: confidences of 1 are not all alike
    sure, then = expit(before), expit(after)
    return ConfidenceRecord(
        bins=[
            ConfidenceBin(
                low=float(sure[own].min()),
                high=float(sure[own].max()),
                flips=proportion(flipped[own], select(cases, own)),
                after=quartiles(then[own & flipped]),
            )
            for own in (bins == number for number in range(bins.max() + 1))
        ],
        flipped_before=distribution(sure[flipped], select(cases, flipped)),
        flipped_after=distribution(then[flipped], select(cases, flipped)),
        held_before=distribution(sure[~flipped], select(cases, ~flipped)),
    )
