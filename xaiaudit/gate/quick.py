"""A quick gate without a policy: one limit for the flip rate of every attack. No torch."""

from collections.abc import Sequence
from pathlib import Path

from xaiaudit.errors import UsageError
from xaiaudit.gate.audited import read_audited
from xaiaudit.gate.conditions import leak
from xaiaudit.gate.judging import whole, write_verdict
from xaiaudit.gate.lines import Line
from xaiaudit.gate.notes import CONTROL, notes
from xaiaudit.gate.questions import Question
from xaiaudit.gate.requirements import requirement
from xaiaudit.gate_record import PolicyUsed, Verdict
from xaiaudit.records import AttackRecord, AuditRecord
from xaiaudit.version import __version__


def judge_flips(folder: Path, limit: float, attacks: Sequence[str] = ()) -> Verdict:
    """Judge the flip rate of each attack of a finished audit, and write gate.json beside it.

    Args:
        folder: of the audit.
        limit: largest flip rate allowed, in [0, 1]; its one-sided 95 % bound must hold.
        attacks: ids to judge; none named: all that have a radius and were made to leave the clean decision.

    Raises:
        AuditError: no finished audit there, or gate.json cannot be written.
        UsageError: a limit that is no share, an id that the audit does not have, or no attack to judge.
    """
    if not 0 <= limit <= 1:  # NaN lies in every range of click's
        raise UsageError(f"the largest flip rate allowed is a share from 0 to 1, got {limit:g}")
    audited = read_audited(folder)
    record = audited.record
    known = {attack.id: attack for attack in record.attacks}
    for name in attacks:
        if name not in known:
            raise UsageError(f"the audit has no attack {name!r}; it has {', '.join(known)}")
    chosen = [known[name] for name in dict.fromkeys(attacks)] or _usual(record)
    findings = [leak(record)] if record.leak.assessed else []
    for attack in chosen:
        line = Line(question=Question(metric="flip-rate", attack=attack), id=f"flip-rate/{attack.id}")
        findings.append(requirement(audited, line, limit, "bound"))
    words = f"--max-flip-rate {limit:g}" + "".join(f" --attack {name}" for name in attacks)
    verdict = Verdict(
        xaiaudit=__version__,
        audit_sha256=audited.sha256,
        policy=PolicyUsed(path="command line", sha256=None, text=words),
        baseline=None,
        verdict=whole(findings),
        findings=findings,
        notes=notes(record, findings, of_flips=True),
    )
    write_verdict(folder, verdict)
    return verdict


def _usual(record: AuditRecord) -> list[AttackRecord]:
    """Attacks with a radius that are after a flip: the others flip fewer decisions than they could, or nearly all."""
    aimed = [attack for attack in record.attacks if attack.after_a_flip]
    if not aimed:
        raise UsageError(
            "no attack of the audit was made to leave the clean decision, which flip rates are about; "
            "add an attack that is, e.g. --method fgsm:epsilon=1/255 --criterion leave-decision"
        )
    found = [attack for attack in aimed if attack.name != CONTROL and attack.epsilon is not None]
    if not found:
        raise UsageError("the audit has no attack with a radius; name one with --attack, or audit with fgsm")
    return found
