"""The F1 score of the positive class, with an interval that knows which images belong to one case."""

from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval
from xaiaudit.types import Flags


def f1(labels: Flags, decided: Flags, cases: Cases, *, level: float = 0.95) -> Interval | None:
    """2 TP / (2 TP + FP + FN) of n decisions.

    It is 2 p / (1 + p) of p = TP / (TP + FP + FN), a plain share of the images that are positive by label or by
    decision: its interval (Wilson at n/deff) is carried over, and a perfect model gets no lower bound of 1.

    Args:
        labels, decided: (n,) bool, True for the positive class.
        cases: the case id of each image.
        level: two-sided.

    Returns:
        Estimate and bounds in [0, 1]; `n` counts the images positive by either. None where no image is positive by
        label, so that recall is undefined.

    Source: van Rijsbergen 1979, Information Retrieval; Hand, Christen & Kirielle 2021, Machine Learning 110:451-456
    (F1 as a function of that share).
    """
    either = labels | decided
    if not labels.any():
        return None
    share = proportion((labels & decided)[either], select(cases, either), level=level)
    estimate, low, high = (
        None if bound is None else 2 * bound / (1 + bound)
        for bound in (share.estimate, share.low, share.high)
    )
    return share.model_copy(
        update={"estimate": estimate, "low": low, "high": high, "method": f"F1 of {share.method}"}
    )
