"""The same images in two audits: which of them are pairs, what changed, and whether it got worse. No torch.

An image is a pair where it counts in both audits; the clusters are the cases of the audit that is judged.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import Counted, Line, counted, members, restrict
from xaiaudit.gate.measures import Measure, measure
from xaiaudit.gate.questions import NotThere, Question
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.auc_difference import auc_difference, auc_worsening
from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_worsening
from xaiaudit.metrics.classification import class_mean
from xaiaudit.metrics.differences import paired_difference, worsening
from xaiaudit.metrics.mean_difference import mean_difference, mean_worsening
from xaiaudit.metrics.power import LEVEL
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """The baseline, and where each image of this audit stands in it."""

    baseline: Audited
    order: np.ndarray  # (n,) index into the images of the baseline

    def of_baseline(self, keep: np.ndarray) -> np.ndarray:
        """(n,) bool: the same images in the order of the baseline."""
        found = np.empty_like(keep)
        found[self.order] = keep
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """A line's images that count in both audits, before (the baseline) and after (this audit)."""

    before: Counted
    after: Counted
    classes: int
    higher: bool  # is worse


def paired(audited: Audited, pairing: Pairing, line: Line, theirs: Question) -> tuple[Pair, int]:
    """The images that count in both, and how many count in one alone.

    Raises:
        NotThere: one of the two does not record the metric or the subgroup.
    """
    own = counted(audited, line)
    try:
        other = reordered(measure(pairing.baseline, theirs), pairing.order)
    except NotThere as missing:
        raise NotThere(f"of the baseline: {missing}") from missing
    in_other = np.isfinite(other.values) & members(audited, line.subgroup)
    both = own.keep & in_other
    pair = Pair(
        before=restrict(audited, replace(other, truth=own.measure.truth), both),
        after=restrict(audited, own.measure, both),
        classes=len(audited.record.checkpoint.classes),
        higher=line.question.kind.worse == "higher",
    )
    return pair, int((own.keep ^ in_other).sum())


def reordered(found: Measure, order: np.ndarray) -> Measure:
    """The values of the baseline in the order of this audit's images."""
    standing = None if found.standing is None else found.standing[order]
    return Measure(kind=found.kind, values=found.values[order], standing=standing)


def figures(pair: Pair) -> tuple[Interval, Interval, Interval]:
    """Before, after, and the paired change, after minus before, two-sided 90 %."""
    before, after, cases = pair.before.values, pair.after.values, pair.after.cases
    kind = pair.after.measure.kind
    if kind == "auc":
        labels = pair.after.truth == 1
        return (
            auc(labels, before, cases),
            auc(labels, after, cases),
            auc_difference(labels, before, after, cases, level=LEVEL),
        )
    if kind == "mean":
        return (
            _mean(before, cases),
            _mean(after, cases),
            mean_difference(before, after, cases, level=LEVEL),
        )
    if kind == "balanced":
        truth, k = pair.after.truth, pair.classes
        change = balanced_accuracy_difference(
            truth, _decided(truth, before, k), _decided(truth, after, k), cases, k, level=LEVEL
        )
        means = [class_mean(values == 1, truth, cases, k) for values in (before, after)]
        undefined = change.model_copy(update={"estimate": None, "low": None, "high": None})
        return means[0] or undefined, means[1] or undefined, change
    return (
        proportion(before, cases),
        proportion(after, cases),
        paired_difference(before, after, cases, level=LEVEL),
    )


def worse_by_more(pair: Pair, tolerated: float) -> float | None:
    """One-sided p against "worse by no more than tolerated"; None where it cannot be tested."""
    before, after, cases = pair.before.values, pair.after.values, pair.after.cases
    kind = pair.after.measure.kind
    if kind == "auc":
        return auc_worsening(pair.after.truth == 1, before, after, cases, tolerated=tolerated)
    if kind == "balanced":
        truth, k = pair.after.truth, pair.classes
        first, second = (_decided(truth, values, k) for values in (before, after))
        return balanced_accuracy_worsening(truth, first, second, cases, k, tolerated=tolerated)
    test: Callable[..., float | None] = mean_worsening if kind == "mean" else worsening
    if pair.higher:
        return test(before, after, cases, tolerated=tolerated)
    if kind == "mean":
        return test(-before, -after, cases, tolerated=tolerated)
    return test(1 - before, 1 - after, cases, tolerated=tolerated)


def _decided(truth: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """A decision for each image that is right where it was: which wrong class it was plays no part."""
    return np.where(right == 1, truth, (truth + 1) % k)


def _mean(values: np.ndarray, cases: list[str]) -> Interval:
    return mean_difference(np.zeros(len(values)), values, cases)
