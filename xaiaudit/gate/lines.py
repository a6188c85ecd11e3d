"""One line of a policy beside an audit that it is asked of: the images that count, and its finding. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xaiaudit.data.subgroups import canonical
from xaiaudit.gate import wording
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.measures import Measure, measure
from xaiaudit.gate.questions import NotThere, Question
from xaiaudit.gate_record import Finding
from xaiaudit.metrics.cases import select


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is asked, in the words of the policy and of this audit."""

    question: Question
    id: str  # of the finding that comes of it
    subgroup: tuple[tuple[str, str], ...] = ()
    min_cases: int = 1
    number: int | None = None  # line of the policy file

    @property
    def among(self) -> str | None:
        return ", ".join(f"{key}={value}" for key, value in self.subgroup) or None


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """The images that count for a line."""

    measure: Measure
    keep: np.ndarray  # (n,) bool
    cases: list[str]  # of those, in the order of the audit

    @property
    def values(self) -> np.ndarray:
        return np.asarray(self.measure.values[self.keep])

    @property
    def truth(self) -> np.ndarray:
        if self.measure.truth is None:
            raise ValueError(f"a {self.measure.kind} has no truth")
        return np.asarray(self.measure.truth[self.keep])

    @property
    def number(self) -> int:
        """Of cases."""
        return len(set(self.cases))


def counted(audited: Audited, line: Line) -> Counted:
    """Raises NotThere: the audit does not record the metric or the subgroup."""
    found = measure(audited, line.question)
    return restrict(audited, found, np.isfinite(found.values) & members(audited, line.subgroup))


def restrict(audited: Audited, found: Measure, keep: np.ndarray) -> Counted:
    return Counted(measure=found, keep=keep, cases=[str(case) for case in select(audited.clean.cases, keep)])


def members(audited: Audited, subgroup: Sequence[tuple[str, str]]) -> np.ndarray:
    """(n,) bool: the images of a subgroup, whatever the spelling.

    Raises:
        NotThere: the audit does not record the attribute, or no image has that value of it.
    """
    keep = np.ones(len(audited.images), bool)
    for key, value in subgroup:
        values = audited.clean.strings(key) if key in audited.clean.table.column_names else [None] * len(keep)
        there = sorted({str(item) for item in values if item is not None})
        if not there:
            raise NotThere(f"the audit records no {key} of its images")
        asked = canonical(key, value)
        if asked not in there:
            shown = ", ".join(there[:8]) + (" ..." if len(there) > 8 else "")
            raise NotThere(f"no image of the audit has {key}={value}; there are {shown}")
        keep &= np.array([item == asked for item in values])
    return keep


def unjudged(line: Line, kind: Literal["requirement", "regression"], limit: float) -> Finding:
    """The finding of a line before anything is known."""
    question = line.question
    regression = kind == "regression"
    return Finding(
        id=line.id,
        kind=kind,
        metric=question.metric,
        attack_id=None if question.attack is None else question.attack.id,
        explainer_id=None if question.explainer is None else question.explainer.id,
        subgroup=line.among,
        sense="at most" if regression or question.kind.worse == "higher" else "at least",
        limit=limit,
        status="not assessed",
        words="",
        line=line.number,
    )


def not_assessed(finding: Finding, line: Line, why: str, found: Counted | None = None) -> Finding:
    update: dict[str, object] = {"words": f"{name(line)}: {why}"}
    if found is not None:
        update |= {"images": len(found.cases), "cases": found.number}
    return finding.model_copy(update=update)


def name(line: Line) -> str:
    return f"{wording.NAMES[line.question.metric]} {wording.place(line.question, line.among)}".rstrip()
