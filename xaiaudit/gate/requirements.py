"""A requirement: the audit's own figure within a limit, by its one-sided 95 % bound. No torch."""

from typing import Literal

import numpy as np

from xaiaudit.gate import wording
from xaiaudit.gate.assessing import doubts, too_few_stand, undefined_maps, why_not
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import Counted, Line, counted, members, not_assessed, unjudged
from xaiaudit.gate.questions import NotThere
from xaiaudit.gate_record import Finding, Status
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.classification import class_mean_bound
from xaiaudit.metrics.power import LEVEL, sample_size
from xaiaudit.metrics.proportions import bound
from xaiaudit.records import Interval


def requirement(
    audited: Audited, line: Line, limit: float, judged_by: Literal["bound", "estimate"]
) -> Finding:
    """Passed where the bound holds the limit, or the estimate where that was asked for.

    A bound that is not defined cannot hold: failed where the estimate does not either, else not assessed.
    """
    upper = line.question.kind.worse == "higher"
    finding = unjudged(line, "requirement", limit).model_copy(update={"judged_by": judged_by})
    try:
        found = counted(audited, line)
    except NotThere as missing:
        return not_assessed(finding, line, str(missing))
    reason = why_not(audited, line, found)
    if reason:
        return not_assessed(finding, line, reason, found)
    figure = bounded(found, len(audited.record.checkpoint.classes), upper=upper)
    status, why = _status(figure, limit, judged_by, upper=upper)
    doubt = doubts(audited, line.question) or too_few_stand(found)
    if status == "passed" and doubt:
        status, why = "not assessed", f"; but {doubt}, so that it proves nothing"
    undefined = undefined_maps(found, members(audited, line.subgroup))
    return finding.model_copy(
        update={
            "estimate": figure.estimate,
            "bound": figure.high if upper else figure.low,
            "images": figure.n,
            "cases": figure.cases,
            "status": status,
            "words": _words(line, figure, limit, judged_by, undefined, upper=upper) + why,
            "sample": sample_size(figure, limit) if line.question.metric == "flip-rate" else None,
        }
    )


def bounded(found: Counted, classes: int, *, upper: bool) -> Interval:
    """The figure of the images that count, with a one-sided 95 % bound on the side that counts."""
    values, cases = found.values, found.cases
    if found.measure.kind == "auc":
        return auc(found.truth == 1, values, cases, level=LEVEL)
    if (
        found.measure.kind == "mean" and np.ptp(values) > 0
    ):  # equal ones, in [0, 1] too, are bounded as shares are
        return bootstrap(values, cases, level=LEVEL)
    if found.measure.kind == "balanced":
        mean = class_mean_bound(values == 1, found.truth, cases, classes)
        return mean or Interval(
            estimate=None, low=None, high=None, n=len(values), cases=found.number, method="a class is missing"
        )
    return bound(values, cases, "upper" if upper else "lower")


def _status(figure: Interval, limit: float, judged_by: str, *, upper: bool) -> tuple[Status, str]:
    """And what there is to say of it beside the figures."""
    if figure.estimate is None:
        return "not assessed", "; it is undefined, as a class is missing"
    edge = figure.high if upper else figure.low

    def holds(value: float) -> bool:
        return value <= limit if upper else value >= limit

    if not holds(figure.estimate):
        return "failed", ""
    if judged_by == "estimate":
        return "passed", ""
    if edge is None:
        return "not assessed", "; no bound can be given, as nothing is seen to vary"
    return ("passed", "") if holds(edge) else ("failed", "; the estimate holds it, the bound does not")


def _words(line: Line, figure: Interval, limit: float, judged_by: str, undefined: int, *, upper: bool) -> str:
    metric, sense = line.question.metric, "at most" if upper else "at least"
    edge = figure.high if upper else figure.low
    told = "undefined" if figure.estimate is None else wording.value(metric, figure.estimate)
    bounds = "" if edge is None else f", {sense} {wording.value(metric, edge)} with 95 % confidence"
    left = f"; {undefined} more with an undefined clean map" if undefined else ""
    by = " of the estimate" if judged_by == "estimate" else ""
    return (
        f"{wording.NAMES[metric]} {told} {wording.place(line.question, line.among)}".rstrip()
        + f"{bounds} ({wording.counts(figure.n, figure.cases)}{left}); limit{by} {sense} {wording.value(metric, limit)}"
    )
