"""The first page: what was found, in words and in one small table, and warnings that must not be missed."""

from xaiaudit.records import AttackRecord, AuditRecord, CurvePoint, Interval, OutlineRecord
from xaiaudit.reports import check_words, words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Alarm, Block, Canvas, Column, Facts, Section, Table, Text
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.audited import TITLE as AUDITED
from xaiaudit.reports.sections.chance import chance_alarms
from xaiaudit.reports.sections.left_out import TITLE as LEFT_OUT

BEFORE_ROUNDING = (
    "Figures are of attacked images as the attack left them, before rounding to 8 bits, unless they say otherwise; a "
    "perturbation that dies in rounding could not be stored."
)


def verdict(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = [
        Text(text=_headline(record), style="lead"),
        Text(text=f"{words.NO_POLICY} {BEFORE_ROUNDING}"),
        *_alarms(record),
        _key_figures(record),
        _in_words(record),
    ]
    return Section(title="Verdict: no policy", blocks=blocks)


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
            f"{f.hits(point.flips_quantised)} decisions flip within {level} under {f.printable(attack.id)}, "
            f"after rounding to 8 bits."
        )
    if not worst.flips.estimate and not worst.after_a_flip:
        return "Whether decisions flip was not tried: no attack was made to leave the clean decision."
    if not worst.flips.estimate:
        return f"No decision flipped: 0 of {worst.flips.n} within {where} under {under}, before rounding to 8 bits."
    return (
        f"{f.hits(worst.flips)} decisions flip within {where} under {under}, before rounding to 8 bits; after it "
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


def _alarms(record: AuditRecord) -> list[Block]:
    alarms: list[Block] = []
    if names := record.leak.found:
        shown = ", ".join(map(f.breakable, names[:5]))
        more = f" and {len(names) - 5} more, listed under “{LEFT_OUT}”" if len(names) > 5 else ""
        alarms.append(Alarm(title="Leak", text=f"{_sentence(words.leak(record))} {shown}{more}."))
    if record.checkpoint.given_outline:
        text = f"{words.GIVEN_OUTLINE}. No attack changes that channel."
        alarms.append(Alarm(title="The model is given the outline", text=text))
    if text := check_words.alarm(record.checks):
        alarms.append(Alarm(title="A self-check failed", text=text))
    alarms += chance_alarms(record.clean, record.checkpoint)
    return [*alarms, *(Alarm(title="Not assessable", text=why) for why in words.refusals(record.attacks))]


def _key_figures(record: AuditRecord) -> Table:
    missed, false = words.directions(record.checkpoint.positive)
    rows = [_row(record, attack) for attack in record.attacks]
    auc = record.clean.auc
    note = "In brackets: two-sided 95 % intervals that respect cases. "
    note += (
        f"AUC on clean images: {f.value(auc)}. " if auc is not None else "AUC on clean images: not assessed. "
    )
    without = [f.printable(a.id) for a in record.attacks if a.epsilon is None and a.assessable]
    if without:
        note += f"Median: of the steps found by {f.listing(without)}, where no radius is set. "
    note += "Silent shift: the decision stood and the map moved, judged before rounding by the explainer named: the "
    note += "one with the highest rate, of equal ones the first. "
    note += "A dash there: no decision stood, so that none could be seen. "
    note += f"{missed.capitalize()} and {false}: of the images decided rightly before the attack."
    return Table(
        columns=[
            Column(title="Attack", width=0.9),
            Column(title="Radius, grey levels", width=0.75, align="right"),
            Column(title="Decisions flipped", width=1.15, align="right"),
            Column(title="After rounding to 8 bits", width=1.15, align="right"),
            Column(title=missed.capitalize(), width=1.15, align="right"),
            Column(title=false.capitalize(), width=1.15, align="right"),
            Column(title="Robust accuracy", width=1.15, align="right"),
            Column(title="Silent shift", width=1.15, align="right"),
        ],
        rows=rows,
        caption=f"Key figures of {f.count(record.images, 'image')}",
        note=note,
        stacked=True,
    )


def _row(record: AuditRecord, attack: AttackRecord) -> list[str]:
    maps = [m for m in words.same_target(record.maps) if m.attack_id == attack.id]
    # where no decision stood there was nothing to see, and 0 % would read as the best result
    judged = [m for m in maps if m.silent_shift.estimate is not None and m.silent_shift_unflipped.n]
    silent = f.DASH
    if judged:
        most = max(judged, key=lambda m: m.silent_shift.estimate or 0.0)
        silent = f"{f.rate(most.silent_shift)}\nby {f.identifier(most.explainer_id)}"
    name = f.identifier(attack.id)
    if not attack.assessable:
        return [name, _radius(attack), "not assessable", *[f.DASH] * 4, silent]
    shares = (
        attack.flips,
        attack.flips_quantised,
        attack.missed_cancers,
        attack.false_alarms,
        attack.robust_accuracy,
    )
    return [name, _radius(attack), *(f.rate(share) for share in shares), silent]


def _radius(attack: AttackRecord) -> str:
    if attack.epsilon is None:
        return f"{f.grey_levels(attack.linf.median)} (median)"
    return f.grey_levels(attack.epsilon) if attack.norm == "linf" else f"L2 {f.number(attack.epsilon)}"


def _in_words(record: AuditRecord) -> Facts:
    curves = [attack for attack in record.attacks if attack.curve and attack.goal_assessable]
    described = f"What each attack does stands under “{AUDITED}”."
    rows = [("Attacks", " ".join([*(f"{said}." for said in words.told_apart(record.attacks)), described]))]
    rows.append(("Silent shift", _sentence(words.silent(record.maps))))
    rows += [(f"Begins, {f.printable(attack.id)}", _sentence(words.begins(attack))) for attack in curves]
    worst = words.strongest(record.attacks)
    if worst is not None:
        direction = _sentence(words.direction(worst, record.checkpoint.positive))
        rows.append((f"Directions, {f.printable(worst.id)}", direction))
    rows += [
        (f"Goal, {f.printable(attack.id)}", _sentence(words.goal(attack)))
        for attack in record.attacks
        if not attack.after_a_flip
    ]
    rows += [
        (f"Outline, {f.printable(item.attack_id)}", _sentence(words.outline(item)))
        for item in record.outlines
    ]
    rows.append(("Second sweep", _sentence(words.second_sweep(record))))
    rows.append(("Self-checks", _sentence(check_words.count(record.checks))))
    rows.append(("Leak", _sentence(words.leak(record))))
    rows.append(("Left out", _sentence(words.left_out(record))))
    return Facts(rows=rows, mono=[])


def _sentence(text: str) -> str:
    return f"{words.capital(text)}."
