"""What changed on clean images: how well the model decides, and which decisions turned."""

from collections.abc import Iterator

import numpy as np

from xaiaudit.comparison.paired_statistics import family, mean, share
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison_record import CleanComparison, PairedStatistic
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.auc_difference import auc_difference
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_test
from xaiaudit.metrics.classification import balanced_accuracy, confusion, positive_scores
from xaiaudit.metrics.differences import two_sided
from xaiaudit.types import Flags, Vector

LEVEL = 0.05


def clean_comparison(pair: Pair) -> CleanComparison:
    """AUC, accuracy, balanced accuracy, sensitivity, specificity and, of models that outline, Dice: one family."""
    before, after = pair.decisions()
    was, now = ((decided == pair.labels) & (pair.labels >= 0) for decided in (before, after))
    statistics = family(_statistics(pair))
    known = [item.p_holm for item in statistics if item.p_holm is not None]
    outlines_alone = not any(side.record.checkpoint.diagnoses for side in (pair.before, pair.after))
    judged = bool(known) and (outlines_alone or any(item.name == "accuracy" for item in statistics))
    return CleanComparison(
        statistics=statistics,
        decisions=confusion(before, after, len(pair.classes)),
        right_to_wrong=named(pair.names, was & ~now & (pair.labels >= 0)),
        wrong_to_right=named(pair.names, now & ~was & (pair.labels >= 0)),
        differs=min(known) < LEVEL if judged else None,
    )


def named(names: list[str], which: Flags) -> list[str]:
    return [name for name, there in zip(names, which, strict=True) if there]


def scores(pair: Pair) -> tuple[Vector, Vector]:
    """By how much the logits speak for the positive class, (n,), before and after; 0 decides between two classes."""
    return (
        _scores(pair, pair.before.clean().stacked("logits"), pair.before.record.checkpoint.threshold),
        _scores(pair, pair.after.clean().stacked("logits"), pair.after.record.checkpoint.threshold),
    )


def _scores(pair: Pair, logits: np.ndarray, threshold: float) -> Vector:
    return positive_scores(logits.astype(np.float64), pair.positive, threshold)


def _statistics(pair: Pair) -> Iterator[PairedStatistic]:
    known = pair.labels >= 0
    truth, cases = pair.labels[known], select(pair.cases, known)
    before, after = (decided[known] for decided in pair.decisions())
    positive = truth == pair.positive
    if known.any():
        old, new = (score[known] for score in scores(pair))
        if positive.any() and not positive.all():
            yield PairedStatistic(
                name="AUC",
                before=auc(positive, old, cases),
                after=auc(positive, new, cases),
                difference=auc_difference(positive, old, new, cases),
                test="intervals of the difference",
                p=two_sided(lambda level: auc_difference(positive, old, new, cases, level=level)),
            )
        yield share("accuracy", before == truth, after == truth, cases)
        if len(np.unique(truth)) == len(pair.classes):
            k = len(pair.classes)
            yield PairedStatistic(
                name="balanced accuracy",
                before=balanced_accuracy(truth, before, cases, k),
                after=balanced_accuracy(truth, after, cases, k),
                difference=balanced_accuracy_difference(truth, before, after, cases, k),
                test="intervals of the difference",
                p=balanced_accuracy_test(truth, before, after, cases, k),
            )
    for name, own in (("sensitivity", positive), ("specificity", ~positive)):
        if own.any():
            was, now = ((decided == pair.positive) == (name == "sensitivity") for decided in (before, after))
            yield share(name, was[own], now[own], select(cases, own))
    old, new = (side.clean().floats("dice") for side in (pair.before, pair.after))
    if (np.isfinite(old) & np.isfinite(new)).any():
        yield mean("Dice", old, new, pair.cases)
