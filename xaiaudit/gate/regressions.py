"""A regression: worse than the baseline by more than is tolerated, on the same images. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from xaiaudit.gate import wording
from xaiaudit.gate.assessing import doubts, says_nothing, too_few_stand, why_not
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import Counted, Line, members, not_assessed, unjudged
from xaiaudit.gate.pairs import Pairing, figures, paired, worse_by_more
from xaiaudit.gate.questions import NotThere, Question
from xaiaudit.gate_record import Finding, Status
from xaiaudit.metrics.paired import holm
from xaiaudit.metrics.power import sample_size
from xaiaudit.records import Interval

ALPHA = 0.05
NO_BASELINE = (
    "there is no baseline to compare with; name one with --baseline, accept an audit into the store of the policy, or "
    "leave regressions out with --no-baseline"
)


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
    reason = why_not(audited, line, pair.after) or _of_baseline(audited, pairing, line, theirs, pair.before)
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


def _of_baseline(audited: Audited, pairing: Pairing, line: Line, question: Question, found: Counted) -> str:
    """Why the baseline's figure is worth nothing to compare with; a clause, empty where it is worth something."""
    baseline = pairing.baseline
    counting, among = (pairing.of_baseline(keep) for keep in (found.keep, members(audited, line.subgroup)))
    reason = (
        says_nothing(baseline, question, counting, among)
        or doubts(baseline, question)
        or too_few_stand(found)
    )
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
