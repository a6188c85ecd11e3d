"""The lines of a policy as they are asked of one audit, each with an id that the policy alone decides. No torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from xaiaudit.gate import wording
from xaiaudit.gate.asked import Asked
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import Line
from xaiaudit.gate.metrics import METRICS
from xaiaudit.gate.policy import FindingTable
from xaiaudit.gate.questions import NotThere, question
from xaiaudit.gate.reading import ReadPolicy
from xaiaudit.gate.second_sweep import check_sweep
from xaiaudit.gate_record import Finding
from xaiaudit.records import LEAVE_DECISION

WORSE = "/no-worse"  # ends the id of a regression


@dataclass(frozen=True, kw_only=True)
class PolicyLine:
    finding: FindingTable
    asked: Asked
    id: str
    number: int  # line of the file

    @property
    def limit(self) -> float | None:
        return self.finding.max if self.finding.max is not None else self.finding.min


def policy_lines(read: ReadPolicy) -> list[PolicyLine]:
    found: list[PolicyLine] = []
    seen: dict[str, int] = {}
    for finding, asked, number in zip(read.policy.finding, read.asked, read.lines, strict=True):
        name = "/".join(_parts(finding, asked))
        seen[name] = seen.get(name, 0) + 1
        unique = name if seen[name] == 1 else f"{name}-{seen[name]}"
        found.append(PolicyLine(finding=finding, asked=asked, id=unique, number=number))
    return found


def _parts(finding: FindingTable, asked: Asked) -> Iterator[str]:
    yield finding.metric
    if asked.attack is not None:
        yield asked.attack[0]
    if asked.criterion is not None and asked.criterion[0] != LEAVE_DECISION:
        yield asked.criterion[0]
    if asked.explainer is not None:
        yield asked.explainer[0]
    if finding.metric == "pointing":
        yield from (finding.region, finding.extreme)
    if finding.rounded:
        yield "rounded"
    yield from (f"{key}={value}" for key, value in finding.subgroup.items())


def line_of(audited: Audited, read: ReadPolicy, line: PolicyLine) -> Line:
    """Raises NotThere: the audit was not made as the line asks."""
    finding = line.finding
    if METRICS[finding.metric].of.startswith("sweep"):
        check_sweep(audited.record, read.policy.audit.acquisition)
    return Line(
        question=question(audited.record, finding, line.asked),
        id=line.id,
        subgroup=tuple(finding.subgroup.items()),
        min_cases=finding.min_cases or read.policy.gate.min_cases,
        number=line.number,
    )


def missing(line: PolicyLine, why: NotThere, *, no_baseline: bool) -> list[Finding]:
    """What a line comes to where the audit was not made as it asks: nothing is assessed."""
    finding, upper = line.finding, METRICS[line.finding.metric].worse == "higher"
    words = f"{wording.NAMES[finding.metric]}: {why}"
    common = Finding(
        id=line.id,
        kind="requirement",
        metric=finding.metric,
        subgroup=", ".join(f"{key}={value}" for key, value in finding.subgroup.items()) or None,
        sense="at most" if upper else "at least",
        limit=line.limit,
        judged_by=finding.judge,
        status="not assessed",
        words=words,
        line=line.number,
    )
    found = [common] if line.limit is not None else []
    if finding.max_regression is not None and not no_baseline:
        update = {
            "id": line.id + WORSE,
            "kind": "regression",
            "sense": "at most",
            "limit": finding.max_regression,
            "judged_by": None,
        }
        found.append(common.model_copy(update=update))
    return found
