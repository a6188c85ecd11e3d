"""The verdict on an audit by a policy, and gate.json. An audit itself never changes. No torch."""

from collections.abc import Sequence
from pathlib import Path

from xaiaudit.errors import AuditError
from xaiaudit.gate.audited import Audited, read_audited
from xaiaudit.gate.baselines import find_baseline
from xaiaudit.gate.comparable import pairing
from xaiaudit.gate.conditions import conditions
from xaiaudit.gate.notes import notes
from xaiaudit.gate.policy_lines import WORSE, PolicyLine, line_of, missing, policy_lines
from xaiaudit.gate.questions import NotThere, question
from xaiaudit.gate.reading import ReadPolicy
from xaiaudit.gate.regressions import Comparison, regressions
from xaiaudit.gate.requirements import requirement
from xaiaudit.gate.store import check_not_accepted
from xaiaudit.gate_record import BaselineUsed, Finding, PolicyUsed, Status, Verdict
from xaiaudit.version import __version__
from xaiaudit.writing import write_atomically

GATE = "gate.json"
ITSELF = "the baseline is this very audit, against which nothing can be worse"


def judge(
    folder: Path, policy: ReadPolicy, baseline: Path | None = None, *, no_baseline: bool = False
) -> Verdict:
    """Judge a finished audit by a policy, and write gate.json into its folder.

    Args:
        baseline: an audit's folder, or a store of accepted audits, whose newest is meant; None: that of the policy.
        no_baseline: leave regressions out, with a note.

    Raises:
        AuditError: no finished audit in one of the folders, the two cannot be compared, or gate.json cannot be
            written.
        UsageError: a baseline that is none.
    """
    audited = read_audited(folder)
    compared = not no_baseline and any(
        line.finding.max_regression is not None for line in policy_lines(policy)
    )
    used = find_baseline(policy, baseline) if compared else None
    other = None if used is None else read_audited(used)
    verdict = judged(audited, policy, other, no_baseline=no_baseline)
    write_verdict(folder, verdict)
    return verdict


def judged(
    audited: Audited, policy: ReadPolicy, baseline: Audited | None, *, no_baseline: bool = False
) -> Verdict:
    """The verdict, written nowhere.

    Raises:
        AuditError: the two cannot be compared.
    """
    lines = policy_lines(policy)
    findings = [
        *conditions(audited.record, policy),
        *_findings(audited, policy, lines, baseline, no_baseline=no_baseline),
    ]
    left = sum(line.finding.max_regression is not None for line in lines) if no_baseline else 0
    use = policy.policy.intended_use.model_dump()
    return Verdict(
        xaiaudit=__version__,
        audit_sha256=audited.sha256,
        policy=PolicyUsed(
            path=str(policy.path),
            sha256=policy.sha256,
            text=policy.text,
            intended_use={key: text for key, text in use.items() if text},
        ),
        baseline=None if baseline is None else _baseline(baseline),
        left_out=left,
        verdict=whole(findings),
        findings=findings,
        notes=[
            *([_left_out(left)] if left else []),
            *([ITSELF] if baseline is not None and baseline.sha256 == audited.sha256 else []),
            *notes(audited.record, findings),
        ],
    )


def _findings(
    audited: Audited,
    policy: ReadPolicy,
    lines: Sequence[PolicyLine],
    baseline: Audited | None,
    *,
    no_baseline: bool,
) -> list[Finding]:
    """In the order of the file, a requirement before the regression of its line."""
    found: dict[str, list[Finding]] = {}
    comparisons = []
    regressing = [line for line in lines if line.finding.max_regression is not None]
    pairs = None
    if baseline is not None:
        pairs = pairing(audited, baseline, [(line.finding, line.asked) for line in regressing])
    for line in lines:
        try:
            own = line_of(audited, policy, line)
        except NotThere as why:
            found[line.id] = missing(line, why, no_baseline=no_baseline)
            continue
        found[line.id] = []
        if line.limit is not None:
            found[line.id].append(requirement(audited, own, line.limit, line.finding.judge))
        if line.finding.max_regression is not None and not no_baseline:
            theirs = (
                None
                if baseline is None
                else question(baseline.record, line.finding, line.asked, any_layer=True)
            )
            comparisons.append(
                Comparison(line=own, theirs=theirs, tolerated=line.finding.max_regression, id=line.id + WORSE)
            )
    for comparison, finding in zip(comparisons, regressions(audited, pairs, comparisons), strict=True):
        found[comparison.line.id].append(finding)
    return [finding for of_line in found.values() for finding in of_line]


def whole(findings: Sequence[Finding]) -> Status:
    """Failed where any finding is; else not assessed where any is; else passed."""
    statuses = {finding.status for finding in findings}
    return "failed" if "failed" in statuses else "not assessed" if "not assessed" in statuses else "passed"


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Raises AuditError where gate.json cannot be written, UsageError where the audit is an accepted one."""
    check_not_accepted(folder)
    try:
        write_atomically(folder / GATE, verdict.model_dump_json(indent=1).encode())
    except OSError as error:
        raise AuditError(f"{folder / GATE} cannot be written ({error.strerror})") from error


def _baseline(baseline: Audited) -> BaselineUsed:
    checkpoint = baseline.record.checkpoint
    return BaselineUsed(
        path=baseline.name,
        checkpoint=checkpoint.path,
        checkpoint_sha256=checkpoint.sha256,
        audit_sha256=baseline.sha256,
    )


def _left_out(count: int) -> str:
    return (
        f"{count} regression{'s' * (count != 1)} of the policy {'were' if count != 1 else 'was'} left out: "
        "--no-baseline was said"
    )
