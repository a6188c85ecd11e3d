"""What a verdict does not speak of. No torch."""

from collections.abc import Sequence

from xaiaudit.gate_record import Finding
from xaiaudit.records import AuditRecord

CONTROL = "noise"  # random noise breaks little, so a limit that it keeps says nothing


def notes(record: AuditRecord, findings: Sequence[Finding], *, of_flips: bool = False) -> list[str]:
    """One sentence each, without a full stop; `of_flips`: of a gate that asks about flip rates alone."""
    found = []
    if not record.leak.assessed:
        found.append(f"leak not assessed: {record.leak.reason}")
    if not record.checks:
        found.append("no self-checks were made, so nothing is known of whether attacks are sound")
    found += _unasked_attacks(record, findings, of_flips=of_flips)
    found += [] if of_flips else _unasked_maps(record, findings)
    if of_flips and record.left_out:
        found.append(f"{len(record.left_out)} files could not be read and were left out")
    if len(record.search) > 1:
        found.append(f"parts of the audit were searched on machines that differ: {'; '.join(record.search)}")
    if record.warnings:
        count = len(record.warnings)
        found.append(f"the audit gave {count} warning{'s' * (count != 1)}, which its report tells")
    return found


def _unasked_attacks(record: AuditRecord, findings: Sequence[Finding], *, of_flips: bool) -> list[str]:
    judged, found = {finding.attack_id for finding in findings}, []
    for attack in record.attacks:
        if attack.id in judged:
            continue
        why = "no finding asks about it as it was made"
        if attack.name == CONTROL:
            why = "it is the control"
        elif of_flips and not attack.after_a_flip:
            why = f"its goal is another, {attack.criterion}"
        elif of_flips and attack.epsilon is None:
            why = "it has no radius"  # it goes on until the decision flips, so that its rate is near 1
        found.append(f"{attack.id} is not judged: {why}")
    return found


def _unasked_maps(record: AuditRecord, findings: Sequence[Finding]) -> list[str]:
    judged = {finding.explainer_id for finding in findings}
    left = [explainer.id for explainer in record.explainers if explainer.id not in judged]
    return [f"maps of {', '.join(left)} are not judged: no finding asks about them"] if left else []
