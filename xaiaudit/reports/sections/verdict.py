"""The first page: what was found, in words and in one small table, and warnings that must not be missed."""

from collections.abc import Sequence

from xaiaudit.gate_record import Verdict
from xaiaudit.records import AttackRecord, AuditRecord, CurvePoint, Interval, OutlineRecord
from xaiaudit.reports import check_words, words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Alarm, Block, Canvas, Facts, Mark, Section, Text
from xaiaudit.reports.detection_words import lesions_found
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.chance import chance_alarms
from xaiaudit.reports.sections.findings import TITLE as FINDINGS
from xaiaudit.reports.sections.findings import findings_table
from xaiaudit.reports.sections.key_figures import key_figures
from xaiaudit.reports.sections.left_out import TITLE as LEFT_OUT
from xaiaudit.reports.sections.threat import TITLE as THREAT
from xaiaudit.reports.severity import not_passed, tally

BEFORE_ROUNDING = (
    "Figures are of attacked images as the attack left them, before rounding to 8 bits, unless they say otherwise; a "
    "perturbation that dies in rounding could not be stored."
)


ON_FIRST_PAGE = 8  # findings there that did not pass; the others stand in their own section
SPOKEN_OF = 3  # attacks of which the first page tells one by one


def verdict(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = [
        _mark(audit),
        Text(text=_headline(record), style="lead"),
        Text(text=BEFORE_ROUNDING),
        *_alarms(record, audit.verdict_fault),
        *_not_passed(audit.verdict),
        key_figures(record),
        _in_words(record),
    ]
    return Section(title=f"Verdict: {audit.verdict.verdict if audit.verdict else 'no policy'}", blocks=blocks)


def _mark(audit: Audit) -> Mark:
    found = audit.verdict
    if found is None:
        return Mark(status="no policy", text=words.NO_POLICY)
    policy = f"Policy {f.breakable(found.policy.path)}"
    if found.policy.sha256:
        policy += f" (SHA-256 {found.policy.sha256[:12]})"
    baseline = "no baseline"
    if found.baseline is not None:
        sha256 = found.baseline.checkpoint_sha256[:12]
        baseline = f"baseline {f.breakable(found.baseline.checkpoint)} (SHA-256 {sha256})"
    count = f.count(len(found.findings), "finding")
    return Mark(
        status=found.verdict,
        text=f"{words.capital(tally(found.findings))}, of {count}. {policy}; {baseline}.",
    )


def _not_passed(found: Verdict | None) -> list[Block]:
    """What failed or could not be assessed; nothing where all passed."""
    if found is None:
        return []
    grave = not_passed(found)
    notes = [f"Note: {f.printable(note)}." for note in found.notes]
    if not grave:
        return [Text(text=note, style="note") for note in notes]
    more = len(grave) - ON_FIRST_PAGE
    rest = f" {more} more did not pass." if more > 0 else ""
    note = (
        "Bound: one-sided 95 %, on the side that counts. A dash: not computed, or not of an attack."
        f"{rest} All stand under “{FINDINGS}”, in words."
    )
    return [findings_table(grave[:ON_FIRST_PAGE], "Findings that did not pass", " ".join([note, *notes]))]


def _headline(record: AuditRecord) -> str:
    worst = words.strongest(record.attacks)
    if worst is None and not record.checkpoint.diagnoses and record.outlines:
        return _outlines(record.outlines)
    if worst is None:
        reason = next((a.why_not for a in record.attacks if a.why_not), "no image could be judged")
        return f"Whether decisions flip is not assessable: {f.printable(reason)}."
    under = f.printable(worst.id)
    where = (
        words.radius(worst.norm, worst.epsilon)
        if worst.epsilon is not None
        else f"the {words.no_radius(worst)} found"
    )
    subtle = _subtle(record)
    if subtle is not None:
        attack, point = subtle
        level = words.radius(attack.norm, point.epsilon)
        return (
            f"{f.hits(point.flips_quantised)} decisions flipped within {level} under {f.printable(attack.id)}, "
            f"after rounding to 8 bits."
        )
    if not worst.flips.estimate and not worst.after_a_flip:
        return "Whether decisions flip was not tried: no attack was made to leave the clean decision."
    if not worst.flips.estimate:
        return f"No decision flipped: 0 of {worst.flips.n} within {where} under {under}, before rounding to 8 bits."
    return (
        f"{f.hits(worst.flips)} decisions flipped within {where} under {under}, before rounding to 8 bits; after it "
        f"{f.hits(worst.flips_quantised)}."
    )


def _outlines(records: list[OutlineRecord]) -> str:
    """Of a model that outlines alone: the attack that takes most of the Dice, or of the clean mask."""
    judged = [item for item in records if item.attacked.dice_drop is not None]
    if judged:
        most = max(judged, key=lambda item: _estimate(item.attacked.dice_drop))
        before, after, rounded = most.clean.dice, most.attacked.dice, most.rounded.dice
        return (
            f"The Dice of the drawn outline goes from {f.value(before)} to {f.value(after)} under "
            f"{f.printable(most.attack_id)}, before rounding to 8 bits; after it to {f.value(rounded)}. Its overlap "
            f"with the clean one is {f.value(most.attacked.overlap)}."
        )
    moved = [item for item in records if item.attacked.overlap is not None]
    if not moved:
        return "The model outlines nothing in any image, clean or attacked."
    most = min(moved, key=lambda item: _estimate(item.attacked.overlap))
    return (
        f"The drawn outline keeps an overlap of {f.value(most.attacked.overlap)} with the clean one under "
        f"{f.printable(most.attack_id)}, before rounding to 8 bits; no lesion is outlined to compare it with."
    )


def _estimate(interval: Interval | None) -> float:
    return interval.estimate if interval is not None and interval.estimate is not None else 0.0


def _subtle(record: AuditRecord) -> tuple[AttackRecord, CurvePoint] | None:
    """The attack that flips most within one grey level, after rounding: no eye sees that, and a file can hold it."""
    found = [
        (attack, point)
        for attack in record.attacks
        if attack.assessable and attack.norm == "linf" and attack.after_a_flip
        for point in attack.curve
        if abs(255 * point.epsilon - 1) < 1e-6 and point.flips_quantised.estimate is not None
    ]
    return max(found, key=lambda pair: pair[1].flips_quantised.estimate or 0.0) if found else None


def _alarms(record: AuditRecord, fault: str) -> list[Block]:
    alarms: list[Block] = []
    if fault:
        alarms.append(
            Alarm(
                title="gate.json is not used",
                text=f"{words.capital(f.printable(fault).removeprefix('gate.json '))}.",
            )
        )
    if names := record.leak.found:
        shown = ", ".join(map(f.breakable, names[:5]))
        more = f" and {len(names) - 5} more, listed under “{LEFT_OUT}”" if len(names) > 5 else ""
        alarms.append(Alarm(title="Leak", text=f"{_sentence(words.leak(record))} {shown}{more}."))
    if record.checkpoint.given_outline:
        text = f"{words.GIVEN_OUTLINE}. No attack changes that channel."
        alarms.append(Alarm(title="The model is given the outline", text=text))
    if text := check_words.alarm(record.checks):
        alarms.append(Alarm(title="A self-check failed", text=text))
    alarms += [
        Alarm(title="A map was moved that this audit does not compare", text=f"{words.capital(text)}.")
        for text in words.unseen_maps(record)
    ]
    alarms += chance_alarms(record.clean, record.checkpoint)
    return [*alarms, *(Alarm(title="Not assessable", text=why) for why in words.refusals(record.attacks))]


def _in_words(record: AuditRecord) -> Facts:
    worst = words.strongest(record.attacks)
    spoken = record.attacks if len(record.attacks) <= SPOKEN_OF else [worst] if worst else []
    described = f"What each attack does stands under “{THREAT}”."
    rows = [("Attacks", " ".join([*(f"{said}." for said in words.told_apart(record.attacks)), described]))]
    if (found := lesions_found(record)) is not None:
        rows.append(("Lesions found", _sentence(found)))
    rows.append(("Silent shift", _sentence(words.silent(record.maps))))
    rows.append(("Vanished maps", _sentence(words.vanished(record.maps))))
    if worst is not None:
        direction = _sentence(words.direction(worst, record.checkpoint.positive))
        rows.append((f"Directions, {f.printable(worst.id)}", direction))
    rows.append(("Self-checks", _sentence(check_words.count(record.checks))))
    rows.append(("Leak", _sentence(words.leak(record))))
    rows.append(("Left out", _sentence(words.left_out(record))))
    if record.warnings:
        rows.append(("Warnings", f"{len(record.warnings)}, under “{LEFT_OUT}”."))
    rows.append(("Second sweep", _sentence(words.second_sweep(record))))
    return Facts(rows=[*rows, *_one_by_one(record, spoken)], mono=[])


def _one_by_one(record: AuditRecord, spoken: Sequence[AttackRecord]) -> list[tuple[str, str]]:
    """What these attacks did: where flips begin, whether other goals were reached, what became of the outline."""
    rows = [
        (f"Begins, {f.printable(attack.id)}", _sentence(words.begins(attack)))
        for attack in spoken
        if attack.curve and attack.goal_assessable
    ]
    rows += [
        (f"Goal, {f.printable(attack.id)}", _sentence(words.goal(attack)))
        for attack in spoken
        if not attack.after_a_flip
    ]
    ids = [attack.id for attack in spoken]
    return rows + [
        (f"Outline, {f.printable(item.attack_id)}", _sentence(words.outline(item)))
        for item in record.outlines
        if item.attack_id in ids
    ]


def _sentence(text: str) -> str:
    return f"{words.capital(text)}."
