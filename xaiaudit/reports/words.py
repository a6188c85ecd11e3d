"""Findings of an audit as sentences, the same in the terminal and in the PDF. No policy: nothing passes or fails."""

from collections.abc import Sequence

from xaiaudit.acquisition.registry import CHANGES
from xaiaudit.records import (
    ONE_CHANGE,
    SECOND_SWEEP,
    AgreementRecord,
    AttackRecord,
    AuditRecord,
    CurvePoint,
    Interval,
    LeakRecord,
    MapRecord,
    MultipleRecord,
    OutlineRecord,
    VariabilityRecord,
)
from xaiaudit.reports import format as f

GIVEN_OUTLINE = (
    "One channel of the model's input is the lesion as a reader outlined it: what it scores holds where such an "
    "outline is at hand, and does not tell what it sees in the image alone"
)
NO_DIAGNOSIS = (
    "The model makes no diagnosis: all but Dice and JSI is of whether it outlines anything in an image, wherever, "
    "against whether a lesion is there"
)
NO_POLICY = "No policy was given, so this audit passes nothing and fails nothing; it says what was found."


def radius(norm: str, epsilon: float) -> str:
    """A radius in words, in the unit of its norm."""
    if norm == "linf":
        levels = f.grey_levels(epsilon)
        return f"{levels}{f.NBSP}grey{f.NBSP}level{'' if levels == '1' else 's'}"
    return f"an L2 radius of {f.number(epsilon)}"


def no_radius(attack: AttackRecord) -> str:
    """What an attack without a radius finds; not every one of ART looks for the smallest."""
    return "step" if attack.name.startswith("art:") else "smallest step"


def told_apart(attacks: Sequence[AttackRecord]) -> list[str]:
    """What tells attacks of one name apart, a sentence a name that several have."""
    groups: dict[str, list[AttackRecord]] = {}
    for attack in attacks:
        groups.setdefault(attack.name, []).append(attack)
    return [_differ(group) for group in groups.values() if len(group) > 1]


def _differ(attacks: Sequence[AttackRecord]) -> str:
    ids = f.listing([f.printable(attack.id) for attack in attacks])
    told = [_settings(attack) for attack in attacks]
    differing = [
        key
        for key in dict.fromkeys(k for own in told for k in own)
        if len({own.get(key) for own in told}) > 1
    ]
    if not differing:
        first, *others = [(attack.parameters, attack.epsilon) for attack in attacks]
        same = all(other == first for other in others)
        how = (
            "with the same parameters" if same else "with parameters that differ by less than is printed here"
        )
        return f"{ids} are one attack {how}"
    parts = [
        f"{f.printable(attack.id)} with {', '.join(own[key] for key in differing if key in own)}"
        for attack, own in zip(attacks, told, strict=True)
    ]
    return f"{ids} are one attack with different parameters: {'; '.join(parts)}"


def _settings(attack: AttackRecord) -> dict[str, str]:
    """Everything that an attack was made with, in words, by its name."""
    said = {
        key: f"{f.printable(key.replace('_', ' '))} {_setting(value)}"
        for key, value in attack.parameters.items()
    }
    if attack.epsilon is not None:
        said["epsilon"] = f"{'radius ' * (attack.norm == 'linf')}{radius(attack.norm, attack.epsilon)}"
    if "alpha" in said:
        chosen = attack.parameters["alpha"]
        linf = chosen is not None and attack.norm == "linf"
        said["alpha"] = f"step size {f'{f.grey_levels(chosen)} grey levels' if linf else _setting(chosen)}"
    return said | {"criterion": f"the aim to {f.printable(attack.criterion)}"}


def _setting(value: object) -> str:
    if value is None:
        return "by default"
    return f.number(value) if isinstance(value, float) else f.printable(value)


def strongest(attacks: Sequence[AttackRecord]) -> AttackRecord | None:
    """The assessable attack with the highest flip rate; of equals the one with the smallest radius."""
    after_flips = [a for a in attacks if a.after_a_flip] or list(attacks)
    judged = [a for a in after_flips if a.assessable and a.flips.estimate is not None]
    bounded = [a for a in judged if a.epsilon is not None] or judged
    return max(bounded, key=lambda a: (a.flips.estimate or 0.0, -(a.epsilon or 0.0)), default=None)


def shares(attack: AttackRecord) -> tuple[Interval | None, ...]:
    """Key figures of an attack whose flips can be assessed: flips, the same after rounding, missed cancers, false
    alarms, robust accuracy."""
    return (
        attack.flips,
        attack.flips_quantised,
        attack.missed_cancers,
        attack.false_alarms,
        attack.robust_accuracy,
    )


def flips(attack: AttackRecord) -> str:
    """How often the decision flipped, before and after rounding to 8 bits."""
    if not attack.assessable:
        return f"not assessable, because {f.printable(attack.why_not)}"
    if attack.flips.estimate is None:
        return "not assessed, because no image could be judged"
    limit = (
        f"within {radius(attack.norm, attack.epsilon)}" if attack.epsilon is not None else _smallest(attack)
    )
    return (
        f"{f.hits(attack.flips)} decisions flipped {limit}: {f.rate(attack.flips)}; after rounding to 8 "
        f"bits {f.rate(attack.flips_quantised)}"
    )


def goal(attack: AttackRecord) -> str:
    """How often an attack with another goal than a flip reached it."""
    said = f"{f.printable(attack.criterion)}: "
    if attack.reached.estimate is None:
        return f"{said}not assessed, because no image has that goal"
    return (
        f"{said}reached in {f.hits(attack.reached)} images, {f.rate(attack.reached)}; after rounding to 8 bits "
        f"{f.rate(attack.reached_quantised)}{_counts_clean(attack.curve)}"
    )


def _counts_clean(curve: Sequence[CurvePoint]) -> str:
    """Said where the smallest radius suffices, as then the goal may have been reached before any attack."""
    least = min(curve, key=lambda point: point.epsilon, default=None)
    return (
        "; an image that fulfils it when clean counts" if least is not None and least.reached.estimate else ""
    )


def outline(record: OutlineRecord) -> str:
    """What an attack did to the masks that the model draws."""
    before, after = record.clean, record.attacked
    parts = []
    if before.dice is not None and after.dice is not None:
        parts.append(
            f"Dice {f.fixed(before.dice.estimate, 2)}, attacked {f.fixed(after.dice.estimate, 2)}: a drop of "
            f"{f.value(after.dice_drop)}, after rounding to 8 bits {f.value(record.rounded.dice_drop)}"
        )
    if after.overlap is None:
        return f.listing([*parts, "no mask was drawn, clean or attacked"])
    parts.append(f"overlap with the clean mask {f.value(after.overlap)}")
    parts.append(f"{f.count(after.vanished or 0, 'mask')} vanished, {after.appeared} appeared")
    return "; ".join(parts)


def agreement(record: AgreementRecord) -> str:
    """Whether the map still lies in the mask that the model draws."""
    before, after = record.clean, record.attacked
    return (
        f"the maximum of {f.printable(record.explainer_id)} lies in the mask drawn on the same image in "
        f"{f.percent(before.hits.estimate)} of the images clean (a random point: "
        f"{f.percent(before.chance_uniform)}), in {f.rate(after.hits)} attacked (a random point: "
        f"{f.percent(after.chance_uniform)})"
    )


def refusals(attacks: Sequence[AttackRecord]) -> list[str]:
    """Why flips say nothing, each reason once."""
    reasons: dict[str, list[str]] = {}
    for attack in attacks:
        if not attack.assessable:
            reasons.setdefault(flips(attack), []).append(f.printable(attack.id))
    return [f"Flips under {f.listing(ids)}: {reason}." for reason, ids in reasons.items()]


def _smallest(attack: AttackRecord) -> str:
    reached = attack.linf.median
    if reached is None:
        return f"by the {no_radius(attack)} found"
    return f"by the {no_radius(attack)} found (median change {f.grey_levels(reached)} grey levels)"


def begins(attack: AttackRecord) -> str:
    """Where the curve leaves zero and where it passes one half."""
    curve = sorted(attack.curve, key=lambda point: point.epsilon)
    if not attack.goal_assessable:
        return f"not assessable, because {f.printable(attack.why_not)}"
    if not curve:
        return f"no curve, because {no_curve(attack)}"
    if not attack.after_a_flip:
        return _goal_begins(attack, curve)
    first = _reaching(curve, 1e-12)
    if first is None:
        return f"no decision flips up to {radius(attack.norm, curve[-1].epsilon)}"
    where = f"{radius(attack.norm, first.epsilon)} ({f.rate(first.reached)})"
    start = f"already at the smallest radius tried, {where}" if first is curve[0] else f"at {where}"
    half = _reaching(curve, 0.5)
    if half is None:
        return f"the first decisions flip {start}; fewer than half have flipped at any radius tried"
    if half is first:
        return f"the first decisions flip {start}, and that is half of them or more"
    return f"the first decisions flip {start}; half have flipped at {radius(attack.norm, half.epsilon)}"


def _goal_begins(attack: AttackRecord, curve: Sequence[CurvePoint]) -> str:
    """The same for a goal that some images may fulfil when clean."""
    first, half = _reaching(curve, 1e-12), _reaching(curve, 0.5)
    goal = f"the goal ({f.printable(attack.criterion)}) is"
    if not attack.applicable:
        return f"{goal} that of no image"
    if first is None:
        return f"{goal} reached by none up to {radius(attack.norm, curve[-1].epsilon)}"
    start = f"{goal} first reached" if first is not curve[0] else f"{goal} reached"
    start += f" by {f.rate(first.reached)} at {radius(attack.norm, first.epsilon)}"
    if half is None:
        most = f"{f.rate(curve[-1].reached)} at {radius(attack.norm, curve[-1].epsilon)}"
        return f"{start}, and by {most}; at no radius tried by half of the images{_counts_clean(curve)}"
    if half is first:
        return f"{start}, and that is half of them or more{_counts_clean(curve)}"
    return f"{start}; by half of the images at {radius(attack.norm, half.epsilon)}{_counts_clean(curve)}"


def no_curve(attack: AttackRecord) -> str:
    if attack.curve_note:
        return f.printable(attack.curve_note)
    if attack.epsilon is None:
        return "the attack has no radius to vary"
    return "none was asked for"


def _reaching(curve: Sequence[CurvePoint], share: float) -> CurvePoint | None:
    return next((p for p in curve if p.reached.estimate is not None and p.reached.estimate >= share), None)


def directions(positive: str) -> tuple[str, str]:
    """Names of the two directions: the field's own for breast lesions."""
    if positive == "malignant":
        return "missed cancers", "false alarms"
    return f"missed {f.printable(positive)}", f"false {f.printable(positive)}"


def direction(attack: AttackRecord, positive: str) -> str:
    """Into which class decisions were driven."""
    missed, false = directions(positive)
    name = f.printable(positive)
    if attack.missed_cancers is not None and attack.false_alarms is not None:
        return (
            f"{missed} {f.hits(attack.missed_cancers)} ({f.percent(attack.missed_cancers.estimate)}), "
            f"{false} {f.hits(attack.false_alarms)} ({f.percent(attack.false_alarms.estimate)})"
        )
    return (
        f"away from {name} {f.hits(attack.from_positive)} ({f.percent(attack.from_positive.estimate)}), "
        f"into {name} {f.hits(attack.from_negative)} ({f.percent(attack.from_negative.estimate)})"
    )


def same_target(maps: Sequence[MapRecord]) -> list[MapRecord]:
    """Records whose maps explain the clean decision before and after: the ones that map shift is about."""
    return [record for record in maps if record.target == "same"]


def in_millimetres(maps: Sequence[MapRecord]) -> bool:
    """Whether every compared map has its shift in millimetres; else parts of the diagonal are told, which all have."""
    pairs = [[m.shift[key].n if key in m.shift else 0 for key in ("peak_mm", "peak_diagonal")] for m in maps]
    return any(n for n, _ in pairs) and all(n == every for n, every in pairs)


def silent(maps: Sequence[MapRecord]) -> str:
    """The silent-shift line: the highest rate, and the lowest where there are several."""
    judged = [m for m in same_target(maps) if m.silent_shift.estimate is not None]
    if not judged:
        return "not assessed, because no map could be compared"
    worst = max(judged, key=lambda m: m.silent_shift.estimate or 0.0)
    pairs = f.count(len(judged), "pair")
    if not any(m.silent_shift_unflipped.n for m in judged):
        return "none could be seen, because no decision stood under any attack"
    if not worst.silent_shift.estimate:
        stood = max(m.silent_shift_unflipped.n for m in judged)
        return (
            f"none: at most {f.count(stood, 'decision')} of {worst.images} stood under an attack, and by "
            f"none of {pairs} of attack and explainer did a map move there"
        )
    text = (
        f"in {f.hits(worst.silent_shift)} images the decision stood and the map moved, before rounding to 8 bits: "
        f"{f.rate(worst.silent_shift)}, under {f.printable(worst.attack_id)} by maps of "
        f"{f.printable(worst.explainer_id)}"
    )
    if len(judged) == 1:
        return text
    least = min(m.silent_shift.estimate or 0.0 for m in judged)
    return f"{text}; the least of {pairs} of attack and explainer is {f.percent(least)}"


def vanished(maps: Sequence[MapRecord]) -> str:
    """How many maps an attack took away: defined before, without an extreme after."""
    judged = same_target(maps)
    if not judged:
        return "not assessed, because the audit has no maps"
    gone = [m for m in judged if m.vanished]
    pairs = f.count(len(judged), "pair")
    if not gone:
        return f"none, under none of {pairs} of attack and explainer"
    most = max(gone, key=lambda m: m.vanished)
    return (
        f"up to {most.vanished} of {f.count(most.images, 'map')}, under {f.printable(most.attack_id)} by "
        f"{f.printable(most.explainer_id)}, before rounding to 8 bits; each counts as moved. Some vanish under "
        f"{len(gone)} of {pairs} of attack and explainer"
    )


def unseen_maps(record: AuditRecord) -> list[str]:
    """Attacks on a map that is not among the compared ones, so that what they moved stands nowhere."""
    compared = {explainer.name for explainer in record.explainers}
    layers = {(explainer.name, explainer.layer) for explainer in record.explainers}
    told = []
    for attack in record.attacks:
        name, layer = attack.parameters.get("explainer"), attack.parameters.get("layer")
        if name is None or (name in compared and (layer is None or (name, layer) in layers)):
            continue
        at = f" at {f.breakable(layer)}" if layer else ""
        shown = f.listing([f.printable(explainer.id) for explainer in record.explainers]) or "no explainer"
        told.append(
            f"{f.printable(attack.id)} moves maps of {f.printable(name)}{at}, and the maps compared are of {shown}: "
            "how far it moved its own stands nowhere in this report"
        )
    return told


def leak(record: AuditRecord) -> str:
    """Whether the checkpoint was trained on what it is judged by."""
    found = record.leak
    if not found.assessed:
        return f"not assessed, because {f.printable(found.reason)}"
    if not found.found:
        return (
            "none of the audited images, and no near-duplicate of one, is in the checkpoint's training data"
        )
    return leak_words(found)


def leak_words(leak: LeakRecord) -> str:
    """What was found, e.g. "1 audited image in the checkpoint's training data, 2 near-duplicates of ..."."""
    parts = [
        f"{f.count(len(leak.exact), 'audited image')} in the checkpoint's training or validation data",
        f"{f.count(len(leak.near), 'near-duplicate')} of training images",
    ]
    if leak.same_case:
        parts.append(f"{f.count(len(leak.same_case), 'other image')} of a case in it")
    return f"{', '.join(parts)}: the results flatter the checkpoint"


def left_out(record: AuditRecord) -> str:
    if not record.left_out:
        return "no file was left out"
    reasons: dict[str, int] = {}
    for entry in record.left_out:
        reasons[entry.reason] = reasons.get(entry.reason, 0) + 1
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    shown = "; ".join(f"{f.printable(reason)} ({n})" for reason, n in ranked[:3])
    more = f"; further reasons ({sum(n for _, n in ranked[3:])})" if len(ranked) > 3 else ""
    return f"{f.count(len(record.left_out), 'file')}: {shown}{more}"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def sweep(change_id: str) -> str:
    """A simulated change in a table."""
    known = {SECOND_SWEEP: "second sweep, all at once", ONE_CHANGE: "any one change"}
    return known.get(change_id, f.printable(change_id))


def times(ratio: Interval) -> str:
    """A multiple with its interval: 9.6 (6.9 to 16.4), or 9.6 (6.9 or more)."""
    if ratio.estimate is None:
        return f"over{f.NBSP}{f.number(ratio.low)}" if ratio.low else f.DASH
    if ratio.low is None:
        return f"{f.number(ratio.estimate)} (no interval)"
    above = "or more" if ratio.high is None else f"to{f.NBSP}{f.number(ratio.high)}"
    return f"{f.number(ratio.estimate)} ({f.number(ratio.low)}{f.NBSP}{above})"


def multiple(found: MultipleRecord) -> str:
    """How many times as far as in a second sweep, or why that cannot be said."""
    if found.attack is None and found.times_second_sweep.n:
        return "half vanished or more"
    return times(found.times_second_sweep)


def second_sweep(record: AuditRecord) -> str:
    """The largest multiple of the mass centre's shift, and what a sweep does to decisions."""
    found = record.variability
    if found is None:
        return "not assessed, because no change of the acquisition was simulated"
    partly, changed = _lacking(found), f.hits(found.changes[-1].decisions_changed)
    alone = f"{partly} alone change" if partly else "a simulated second sweep alone changes"
    alone += f" {changed} decisions"
    centre = "mass_centre_mm" if in_millimetres(same_target(record.maps)) else "mass_centre_diagonal"
    shifts = [m for m in found.multiples if m.metric == centre and m.times_second_sweep.n]
    judged = [m for m in shifts if m.times_second_sweep.estimate is not None]
    gone = [m for m in shifts if m.attack is None]
    lost = "; half of the maps or more vanish " + _pairs(gone) if gone else ""
    lost += _without_sweep(record, found)
    if not judged:
        return f"{alone}{lost}" if gone else f"{alone}; no map could be compared with one{lost}"
    most = max(judged, key=lambda m: m.times_second_sweep.estimate or 0.0)
    than = f"by {partly}, less than a second sweep changes" if partly else "in a second sweep of the probe"
    return (
        f"maps move up to {times(most.times_second_sweep)} times as far as {than} "
        f"(mass centre, {_pairs([most])}); {alone}{lost}"
    )


def _lacking(found: VariabilityRecord) -> str:
    """What was simulated, where that is not all that a second sweep is made of; else nothing."""
    simulated = {change.name for change in found.changes}
    if simulated >= CHANGES.keys():
        return ""
    return f"simulated changes of {f.listing([name for name in CHANGES if name in simulated])}"


def _without_sweep(record: AuditRecord, found: VariabilityRecord) -> str:
    """The explainers that no sweep was compared by."""
    known = {shift.explainer_id for shift in found.shifts}
    unknown = [f.printable(item.id) for item in record.explainers if item.id not in known]
    return f"; not assessed for {f.listing(unknown)}" if unknown else ""


def _pairs(multiples: Sequence[MultipleRecord]) -> str:
    return f.listing(
        [f"under {f.printable(m.attack_id)} by {f.printable(m.explainer_id)}" for m in multiples]
    )
