"""Performance on clean images: what the report says of a model before anything attacks it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from xaiaudit.functional import decision, margin
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.bootstrap import bootstrap, draw_cases, percentiles
from xaiaudit.metrics.cases import Cases, number_cases, select
from xaiaudit.metrics.proportions import proportion
from xaiaudit.metrics.roc import roc
from xaiaudit.records import CleanRecord, Interval
from xaiaudit.types import Decisions, Flags, Vector

Logits = Float[np.ndarray, "n k"]
RESAMPLES = 10_000


def clean_record(
    labels: Decisions,
    logits: Logits,
    cases: Cases,
    *,
    classes: Sequence[str],
    positive: int,
    threshold: float,
    dice: Vector | None = None,
) -> CleanRecord:
    """Everything that is said of a model on clean images, with case-level intervals.

    Args:
        labels: (n,) class index in the order of `classes`, -1 for an image without a label.
        logits: (n, k) as the model gave them.
        cases: the case id of each image.
        classes: k names.
        positive: index of the positive class; 1 where there are two classes.
        threshold: operating threshold, a probability; ignored with more than two classes.
        dice: (n,) Dice score of each image, NaN where undefined; None for a model without a mask.

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
    return CleanRecord(
        images=len(truth),
        auc=auc(is_positive, scores, of_case) if both else None,
        accuracy=proportion(decided == truth, of_case) if len(truth) else None,
        balanced_accuracy=balanced_accuracy(truth, decided, of_case, len(classes)),
        sensitivity=_share(decided == positive, is_positive, of_case),
        specificity=_share(decided != positive, ~is_positive, of_case),
        dice=bootstrap(dice, cases) if dice is not None and np.isfinite(dice).any() else None,
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
    """Mean over k classes of the share decided rightly, bootstrapped over cases; None where one is missing.

    Resamples that lack a class are left out. No bounds with fewer than two cases.
    """
    members = truth[:, None] == np.arange(k)  # (n, k)
    if not members.any(0).all():
        return None
    index, count = number_cases(cases, len(truth))
    right = members & (decided == truth)[:, None]

    def mean_recall(weights: Int[np.ndarray, "b n"]) -> Float[np.ndarray, "b"]:
        with np.errstate(invalid="ignore"):  # 0/0: a resample without this class
            recall = (weights @ right.astype(float)) / (weights @ members.astype(float))  # (b, k)
        means: Vector = recall.mean(1)
        return means

    low = high = None
    if count >= 2:
        draws = [mean_recall(weights) for weights in draw_cases(index, count, RESAMPLES, seed=0)]
        low, high = percentiles(np.concatenate(draws), level=0.95)
    return Interval(
        estimate=float(mean_recall(np.ones((1, len(truth)), dtype=np.int64))[0]),
        low=low,
        high=high,
        n=len(truth),
        cases=count,
        method=f"case bootstrap, {RESAMPLES}",
    )


def confusion(truth: Decisions, decided: Decisions, k: int) -> list[list[int]]:
    """Counts [label][decision], k by k."""
    counts = np.bincount(truth * k + decided, minlength=k * k).reshape(k, k)
    return [[int(count) for count in row] for row in counts]


def _share(hits: Flags, among: Flags, cases: Sequence[object]) -> Interval | None:
    if not among.any():
        return None
    return proportion(hits[among], select(cases, among))
