"""The verdict on an audit: whether each attack's flip rate stays under a limit. No torch.

A limit holds when its one-sided 95 % upper bound does, not the point estimate. What cannot be assessed is never
passed: a model that gives one decision to every image never flips and is worthless, and one that hides its gradients
from the attack flips seldom.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from xaiaudit.errors import AuditError, UsageError
from xaiaudit.metrics.power import sample_size
from xaiaudit.metrics.proportions import bound
from xaiaudit.records import AttackRecord, AuditRecord, Record, SampleSize, SelfCheckRecord
from xaiaudit.writing import write_atomically

CONTROL = "noise"  # random noise breaks little, so a limit that it keeps says nothing


class Finding(Record):
    attack_id: str
    metric: str
    limit: float
    estimate: float | None
    upper_bound: float | None  # one-sided, 95 %
    status: Literal["passed", "failed", "not assessed"]
    words: str
    sample: SampleSize | None = None  # what this many cases can show; None where no flip rate was judged


class Verdict(Record):
    """gate.json."""

    verdict: Literal["passed", "failed", "not assessed"]
    findings: list[Finding]
    notes: list[str]  # what the verdict does not speak of


def judge_flips(folder: Path, limit: float, attacks: Sequence[str] = ()) -> Verdict:
    """Judge the flip rate of each attack of a finished audit, and write gate.json beside it.

    Args:
        folder: of the audit.
        limit: largest flip rate allowed, in [0, 1].
        attacks: ids to judge; none named: all that have a radius and were made to leave the clean decision.

    Raises:
        AuditError: no finished audit there, or gate.json cannot be written.
        UsageError: an id that the audit does not have.
    """
    record = _read(folder)
    known = {attack.id: attack for attack in record.attacks}
    for name in attacks:
        if name not in known:
            raise UsageError(f"the audit has no attack {name!r}; it has {', '.join(known)}")
    notes = [] if record.leak.assessed else [f"leak not assessed: {record.leak.reason}"]
    notes += (
        []
        if record.checks
        else ["no self-checks were made, so nothing is known of whether attacks are sound"]
    )
    if not attacks:
        # one that is after something else, or leaves some images alone, flips fewer decisions than it could
        others = [name for name, attack in known.items() if not attack.after_a_flip]
        notes += [f"{name} is not judged: its goal is another, {known[name].criterion}" for name in others]
        known = {name: attack for name, attack in known.items() if name not in others}
        if not known:
            raise UsageError(
                "no attack of the audit was made to leave the clean decision, which flip rates are about; "
                "add an attack that is, e.g. --method fgsm:epsilon=1/255 --criterion leave-decision"
            )
        notes += [
            f"{name} is not judged: it is the control" for name, a in known.items() if a.name == CONTROL
        ]
        known = {name: attack for name, attack in known.items() if attack.name != CONTROL}
        # a minimum-norm attack goes on until the decision flips, so its rate has no radius and is near 1
        notes += [f"{name} is not judged: it has no radius" for name, a in known.items() if a.epsilon is None]
        attacks = [name for name, attack in known.items() if attack.epsilon is not None]
        if not attacks:
            raise UsageError(
                "the audit has no attack with a radius; name one with --attack, or audit with fgsm"
            )
    findings = [
        *_leaks(record),
        *(
            _checked(_aimed(_finding(folder, known[name], limit), known[name]), record.checks)
            for name in attacks
        ),
    ]
    statuses = {finding.status for finding in findings}
    verdict = Verdict(
        verdict="failed"
        if "failed" in statuses
        else "not assessed"
        if "not assessed" in statuses
        else "passed",
        findings=findings,
        notes=notes,
    )
    try:
        write_atomically(folder / "gate.json", verdict.model_dump_json(indent=1).encode())
    except OSError as error:
        raise AuditError(f"{folder / 'gate.json'} cannot be written ({error.strerror})") from error
    return verdict


def _read(folder: Path) -> AuditRecord:
    path = folder / "audit.json"
    try:
        return AuditRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}; name the folder of a finished audit") from error
    except ValidationError as error:
        raise AuditError(
            f"{path} is no audit of this version ({error.error_count()} fields do not fit)"
        ) from error


def _leaks(record: AuditRecord) -> list[Finding]:
    """A failed finding where the model is judged by images that it was trained on."""
    found = len(record.leak.found)
    if not found:
        return []
    share = found / record.images
    words = f"{found} of {record.images} audited images are in the training data, or close to some of it"
    return [
        Finding(
            attack_id="leak",
            metric="leak",
            limit=0,
            estimate=share,
            upper_bound=None,
            status="failed",
            words=words,
        )
    ]


def _finding(folder: Path, attack: AttackRecord, limit: float) -> Finding:
    path = folder / "predictions.parquet"
    try:
        table = pq.read_table(path, columns=["attack_id", "curve", "quantised", "flipped", "case"])
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        raise AuditError(f"{path} cannot be read ({reason}); name the folder of a whole audit") from error
    chosen = pc.and_(
        pc.equal(table["attack_id"], attack.id), pc.invert(pc.or_(table["curve"], table["quantised"]))
    )
    rows = table.filter(chosen)
    flips = bound(np.asarray(rows["flipped"].to_numpy(), bool), rows["case"].to_pylist())
    sample = None
    status: Literal["passed", "failed", "not assessed"]
    if not attack.assessable or flips.estimate is None or flips.high is None:
        status, words = "not assessed", attack.why_not or "no image was attacked"
    else:
        status = "passed" if flips.high <= limit else "failed"
        sample = sample_size(flips, limit)
        words = (
            f"flip rate {100 * flips.estimate:.1f} %{_within(attack)} before rounding to 8 bits, at most "
            f"{100 * flips.high:.1f} % with 95 % confidence ({flips.n} images, {flips.cases} cases); "
            f"limit {100 * limit:.1f} %"
        )
    return Finding(
        attack_id=attack.id,
        metric="flip rate",
        limit=limit,
        estimate=flips.estimate,
        upper_bound=flips.high,
        status=status,
        words=words,
        sample=sample,
    )


def _within(attack: AttackRecord) -> str:
    """The radius of an attack that has one, in the unit of its norm."""
    if attack.epsilon is None:
        return ""
    if attack.norm == "l2":
        return f" within an L2 radius of {attack.epsilon:.3g}"
    levels = f"{255 * attack.epsilon:.3g}"
    return f" within {levels} grey level{'s' * (levels != '1')}"


def _aimed(finding: Finding, attack: AttackRecord) -> Finding:
    """Few flips prove nothing where the attack was after something else; many are real."""
    if finding.status != "passed" or attack.after_a_flip:
        return finding
    words = f"{finding.words}; but the goal of the attack is another, {attack.criterion}, so the rate proves nothing"
    return finding.model_copy(update={"status": "not assessed", "words": words})


def _checked(finding: Finding, checks: Sequence[SelfCheckRecord]) -> Finding:
    """A few flips prove nothing where the attack, or the model, fails its own checks; many flips are real."""
    names = [
        check.name
        for check in checks
        if check.status == "failed" and check.attack_id in (None, finding.attack_id)
    ]
    if finding.status != "passed" or not names:
        return finding
    words = f"{finding.words}; but it does not hold that {', that '.join(names)}, so the rate proves nothing"
    return finding.model_copy(update={"status": "not assessed", "words": words})
