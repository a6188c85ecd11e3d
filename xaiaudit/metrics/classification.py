"""Performance on clean images: what the report says of a model before anything attacks it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from xaiaudit.functional import decision, margin
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.calibration import reliability_record
from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.detection import detection_record
from xaiaudit.metrics.f1 import f1
from xaiaudit.metrics.marks import Marks
from xaiaudit.metrics.proportions import bound, complement, proportion
from xaiaudit.metrics.roc import roc
from xaiaudit.metrics.segmentation import iou_from_dice
from xaiaudit.records import CleanRecord, Interval
from xaiaudit.types import Decisions, Flags, Vector

Logits = Float[np.ndarray, "n k"]


def clean_record(
    labels: Decisions,
    logits: Logits,
    cases: Cases,
    *,
    classes: Sequence[str],
    positive: int,
    threshold: float,
    dice: Vector | None = None,
    box_jsi: Vector | None = None,
    marks: Sequence[Marks | None] | None = None,
) -> CleanRecord:
    """Everything that is said of a model on clean images, with case-level intervals.

    Args:
        labels: (n,) class index in the order of `classes`, -1 for an image without a label.
        logits: (n, k) as the model gave them.
        cases: the case id of each image.
        classes: k names.
        positive: index of the positive class; 1 where there are two classes.
        threshold: operating threshold, a probability; ignored with more than two classes.
        dice: (n,) Dice score of each image, NaN where undefined; None for a model without a mask. Its JSI follows.
        box_jsi: (n,) likewise, of boxes; see `mask_boxes.box_jsi`.
        marks: the boxes of each image, see `detection_record`; None for a model that draws none.

    Returns:
        Every statistic over images with a label, None where a class it needs is missing; the shares of the
        decisions are over all images.
    """
    decisions = decision(logits, threshold)
    known = labels >= 0
    truth, decided, scores = (
        labels[known],
        decisions[known],
        positive_scores(logits, positive, threshold)[known],
    )
    of_case = select(cases, known)
    is_positive = truth == positive
    both = bool(is_positive.any() and not is_positive.all())
    sensitivity = share_among(decided == positive, is_positive, of_case)
    specificity = share_among(decided != positive, ~is_positive, of_case)
    return CleanRecord(
        images=len(truth),
        auc=auc(is_positive, scores, of_case) if both else None,
        accuracy=proportion(decided == truth, of_case) if len(truth) else None,
        balanced_accuracy=balanced_accuracy(truth, decided, of_case, len(classes)),
        sensitivity=sensitivity,
        specificity=specificity,
        f1=f1(is_positive, decided == positive, of_case),
        false_positive_rate=complement(specificity),
        false_negative_rate=complement(sensitivity),
        dice=_mean(dice, cases),
        jsi=_mean(None if dice is None else iou_from_dice(dice), cases),
        box_jsi=_mean(box_jsi, cases),
        detection=None if marks is None else detection_record(marks, cases, dice),
        reliability=reliability_record(labels, logits, cases, positive=positive),
        confusion=confusion(truth, decided, len(classes)),
        roc=roc(is_positive, scores) if both else [],
        decision_shares={
            name: float((decisions == i).mean()) for i, name in enumerate(classes) if len(decisions)
        },
    )


def positive_scores(logits: Logits, positive: int, threshold: float) -> Float[np.ndarray, "n"]:
    """The margin of two classes; of more classes the log-odds of the positive one; (n,), in logits."""
    if logits.shape[1] == 2:
        if positive != 1:
            raise ValueError(
                f"of two classes the positive one is class 1, got {positive}; reorder the logits"
            )
        margins: Vector = margin(logits, threshold)
        return margins
    rest = np.delete(logits, positive, axis=1)
    log_odds: Vector = logits[:, positive] - logsumexp(rest, axis=1)
    return log_odds


def balanced_accuracy(truth: Decisions, decided: Decisions, cases: Cases, k: int) -> Interval | None:
    """Mean over k classes of the share decided rightly; None where one is missing. See `class_mean`."""
    return class_mean(decided == truth, truth, cases, k)


def class_mean(hits: Flags, truth: Decisions, cases: Cases, k: int) -> Interval | None:
    """Mean over k classes of the share of hits among the class's images; None where a class has none.

    The interval joins those of the classes (Wilson at n/deff), each distance from estimate to bound taken as an
    independent error: a perfect model gets no bound of 1, as a bootstrap would give it.

    Source: Zou & Donner 2008, Statistics in Medicine 27:1693-1702 (MOVER).
    """
    recalls = [share_among(hits, truth == label, cases) for label in range(k)]
    if any(recall is None for recall in recalls):
        return None
    estimate, low, high = mover_mean([recall for recall in recalls if recall is not None])
    return Interval(
        estimate=estimate,
        low=max(0.0, low),
        high=min(1.0, high),
        n=len(truth),
        cases=len(set(cases)),
        method="MOVER of Wilson at n/deff",
    )


def class_mean_bound(hits: Flags, truth: Decisions, cases: Cases, k: int) -> Interval | None:
    """As `class_mean`, with a one-sided 95 % lower bound fit to pass a requirement on; the upper one is 1.

    It joins the bounds of the classes, Clopper and Pearson's at n/deff (`proportions.bound`), as `class_mean` joins
    intervals. `level` is that of the two-sided interval with this bound.
    """
    owns = [truth == label for label in range(k)]
    if not all(own.any() for own in owns):
        return None
    recalls = [bound(hits[own], select(cases, own), "lower") for own in owns]
    estimate, low, _ = mover_mean(recalls)
    return Interval(
        estimate=estimate,
        low=max(0.0, low),
        high=1.0,
        n=len(truth),
        cases=len(set(cases)),
        method="MOVER of one-sided Clopper-Pearson at n/deff",
        level=recalls[0].level,
    )


def mover_mean(parts: Sequence[Interval]) -> tuple[float, float, float]:
    """Mean of independent estimates, each with bounds, and its bounds. Source as in `class_mean`."""
    shares, lows, highs = np.array([(part.estimate, part.low, part.high) for part in parts]).T
    estimate, k = float(shares.mean()), len(parts)
    return (
        estimate,
        estimate - float(np.sqrt(((shares - lows) ** 2).sum())) / k,
        estimate + float(np.sqrt(((highs - shares) ** 2).sum())) / k,
    )


def confusion(truth: Decisions, decided: Decisions, k: int) -> list[list[int]]:
    """Counts [label][decision], k by k."""
    counts = np.bincount(truth * k + decided, minlength=k * k).reshape(k, k)
    return [[int(count) for count in row] for row in counts]


def _mean(scores: Vector | None, cases: Cases) -> Interval | None:
    return bootstrap(scores, cases) if scores is not None and np.isfinite(scores).any() else None


def share_among(hits: Flags, among: Flags, cases: Cases) -> Interval | None:
    """The share of hits `among` these images, as `proportion` gives it; None where there are none."""
    if not among.any():
        return None
    return proportion(hits[among], select(cases, among))
