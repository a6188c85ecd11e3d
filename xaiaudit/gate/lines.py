"""One line of a policy beside the audits that it is asked of: the images that count, and why it cannot be judged."""

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
from xaiaudit.metrics import flips
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.records import SelfCheckRecord

OF_DECISIONS = (
    "flip-rate",
    "robust-accuracy",
    "missed-cancers",
    "false-alarms",
)  # say nothing of a constant model
OF_OUTPUTS = (
    "outputs are repeatable",
    "outputs are logits",
)  # checks of the model that clean figures depend on
TRUE_LABEL = "true-label"


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


def why_not(audited: Audited, line: Line, found: Counted) -> str:
    """Why nothing can be said, whatever the figures; empty where something can."""
    hollow = says_nothing(audited, line.question)
    if hollow:
        return hollow
    undefined = undefined_maps(found, members(audited, line.subgroup))
    if not found.keep.any():
        of_maps = f"; the clean map of {undefined} is undefined" if undefined else ""
        return f"the audit has no {found.measure.of}{of_maps}"
    if found.number < line.min_cases:
        return (
            f"{found.number} case{'s' * (found.number != 1)} ({int(found.keep.sum())} {found.measure.of}), "
            f"and the policy asks for {line.min_cases}"
        )
    return ""


def undefined_maps(found: Counted, among: np.ndarray) -> int:
    """How many images do not count as their clean map is undefined."""
    return 0 if found.measure.undefined is None else int((found.measure.undefined & among).sum())


def says_nothing(audited: Audited, question: Question) -> str:
    """Why the model or the attack makes the figure worthless: it hardly decides, or the attack broke down."""
    attack = question.attack
    if attack is not None:
        good = attack.assessable if question.metric in OF_DECISIONS else attack.goal_assessable
        if not good:
            return attack.why_not or f"{attack.id} cannot be assessed"
        if attack.failed > flips.FAILED * attack.images:
            return f"the attack failed on {attack.failed} of {attack.images} images, which is no sign of robustness"
    elif question.kind.of.startswith("sweep") and not flips.assessable(audited.decisions):
        return (
            "the model gives one decision to over 95 % of the clean images, so that it hardly decides at all"
        )
    return ""


def doubts(audited: Audited, question: Question) -> str:
    """Why a good figure proves nothing, though a bad one is real; a clause, empty without any."""
    attack, checks = question.attack, audited.record.checks
    if attack is not None and question.metric in OF_DECISIONS:
        usual = attack.after_a_flip or (
            question.metric != "flip-rate" and attack.criterion_name == TRUE_LABEL
        )
        if not usual:
            return f"the goal of the attack is another, {attack.criterion}"
    names = [check.name for check in checks if check.status == "failed" and _bears_on(check, question)]
    return f"it does not hold that {', that '.join(names)}" if names else ""


def too_few_stand(found: Counted) -> str:
    """Why a low rate of silent shifts proves nothing: where all decisions flip, none is there; a clause, or empty."""
    if found.measure.standing is None:
        return ""
    stood = int((found.measure.standing & found.keep).sum())
    return "" if stood >= FEWEST else f"only {stood} of {len(found.cases)} decisions stood"


def _bears_on(check: SelfCheckRecord, question: Question) -> bool:
    if question.attack is None:
        return check.attack_id is None and check.name in OF_OUTPUTS
    return check.attack_id in (None, question.attack.id)


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
