"""A regression: worse than the baseline by more than is tolerated, on the same images. No torch.

An image is a pair where it counts in both audits; the clusters are the cases of this one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xaiaudit.gate import wording
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import (
    Counted,
    Line,
    counted,
    doubts,
    members,
    not_assessed,
    restrict,
    says_nothing,
    too_few_stand,
    unjudged,
    why_not,
)
from xaiaudit.gate.measures import Measure, measure
from xaiaudit.gate.questions import NotThere, Question
from xaiaudit.gate_record import Finding, Status
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.auc_difference import auc_difference, auc_worsening
from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_worsening
from xaiaudit.metrics.classification import class_mean
from xaiaudit.metrics.differences import paired_difference, worsening
from xaiaudit.metrics.mean_difference import mean_difference, mean_worsening
from xaiaudit.metrics.paired import holm
from xaiaudit.metrics.power import LEVEL, sample_size
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval

ALPHA = 0.05
NO_BASELINE = (
    "there is no baseline to compare with; name one with --baseline, accept an audit into the store of the policy, or "
    "leave regressions out with --no-baseline"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """The baseline, and where each image of this audit stands in it."""

    baseline: Audited
    order: np.ndarray  # (n,) index into the images of the baseline


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """A line's images that count in both audits, before (the baseline) and after (this audit)."""

    before: Counted
    after: Counted
    classes: int
    higher: bool  # is worse


@dataclass(frozen=True, kw_only=True)
class Comparison:
    line: Line
    theirs: Question | None  # what the line asks of the baseline; None without one
    tolerated: float  # worsening, in the unit of the metric
    id: str  # of its finding


def regressions(audited: Audited, pairing: Pairing | None, asked: Sequence[Comparison]) -> list[Finding]:
    """One finding a comparison, with p by Holm among all that can be tested.

    Args:
        pairing: None where there is no baseline: nothing is assessed.
    """
    found = [_tested(audited, pairing, comparison) for comparison in asked]
    adjusted = iter(holm([finding.p for finding, _ in found if finding.p is not None]))
    return [
        finding if finding.p is None else _judged(finding, next(adjusted), doubt) for finding, doubt in found
    ]


def _judged(finding: Finding, adjusted: float, doubt: str) -> Finding:
    """Failed where "no worse than tolerated" is rejected; else passed, if that is worth anything."""
    said = f"{finding.words}; p {_p(finding.p)}, by Holm among all regressions {_p(adjusted)}: "
    status: Status
    if adjusted < ALPHA:
        status, end = "failed", "worse"
    elif doubt:
        status, end = "not assessed", f"not shown to be worse, but {doubt}, so that it proves nothing"
    else:
        status, end = "passed", "not shown to be worse"
    return finding.model_copy(update={"p_holm": adjusted, "status": status, "words": said + end})


def _tested(audited: Audited, pairing: Pairing | None, comparison: Comparison) -> tuple[Finding, str]:
    """A finding with its p, if it can be tested, and why not being worse would prove nothing."""
    line, theirs, tolerated = comparison.line, comparison.theirs, comparison.tolerated
    finding = unjudged(line, "regression", tolerated).model_copy(update={"id": comparison.id})
    if pairing is None or theirs is None:
        return not_assessed(finding, line, NO_BASELINE), ""
    try:
        pair, left = paired(audited, pairing, line, theirs)
    except NotThere as missing:
        return not_assessed(finding, line, str(missing)), ""
    reason = why_not(audited, line, pair.after) or _of_baseline(pairing.baseline, theirs, pair.before)
    if reason:
        return not_assessed(finding, line, reason, pair.after), ""
    before, after, change = figures(pair)
    p = worse_by_more(pair, tolerated)
    words = _words(line, before, after, change, tolerated, left)
    if p is None:
        words += "; it cannot be tested, as nothing is seen to vary or a class is missing"
    update = {
        "estimate": after.estimate,
        "baseline": before.estimate,
        "change": change,
        "p": p,
        "images": len(pair.after.cases),
        "cases": pair.after.number,
        "words": words,
        "sample": sample_size(before) if line.question.metric == "flip-rate" else None,
    }
    return finding.model_copy(update=update), doubts(audited, line.question) or too_few_stand(pair.after)


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


def _of_baseline(baseline: Audited, question: Question, found: Counted) -> str:
    """Why the baseline's figure is worth nothing to compare with; a clause, empty where it is worth something."""
    reason = says_nothing(baseline, question) or doubts(baseline, question) or too_few_stand(found)
    return f"of the baseline: {reason}" if reason else ""


def _words(
    line: Line, before: Interval, after: Interval, change: Interval, tolerated: float, left: int
) -> str:
    question, metric = line.question, line.question.metric

    def told(value: float | None) -> str:
        return "undefined" if value is None else wording.value(metric, value)

    name = f"{wording.NAMES[metric]} {told(after.estimate)} {wording.place(question, line.among)}".rstrip()
    interval = ""
    if change.estimate is not None:
        interval = f": {wording.difference(metric, change.estimate)}"
        if change.low is not None and change.high is not None:
            low, high = (wording.difference(metric, edge) for edge in (change.low, change.high))
            interval += f" (90 % interval {low.removesuffix(' points')} to {high})"
    alone = f", {left} more count in one of the two alone" if left else ""
    return (
        f"{name}, {told(before.estimate)} of the baseline on the same images{interval}, tolerated "
        f"{wording.difference(metric, tolerated, sign=False)} worse ({wording.counts(after.n, after.cases)}{alone})"
    )


def _p(p: float | None) -> str:
    return "undefined" if p is None else "below 0.0001" if p < 1e-4 else f"{p:.4f}"
