"""What changed under each attack that both audits made alike: flips, robust accuracy, smallest radii."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from xaiaudit.comparison.clean import named
from xaiaudit.comparison.paired_statistics import family, share
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.radii import radius_comparison
from xaiaudit.comparison_record import AttackComparison, PairedStatistic, RadiusComparison
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.flips import FAILED, right_throughout
from xaiaudit.metrics.paired import holm
from xaiaudit.records import AttackRecord
from xaiaudit.rows import Rows

Matched = list[tuple[AttackRecord, AttackRecord]]
Item = TypeVar("Item", PairedStatistic, PairedStatistic | None, RadiusComparison | None)


def matched_attacks(pair: Pair) -> tuple[Matched, list[str]]:
    """Attacks with the same name, parameters and goal, older first, and a sentence on each of the others."""
    old, new = pair.before.record.attacks, pair.after.record.attacks
    matched = [(one, two) for two in new for one in old if _made(one) == _made(two)]
    ids = [{one.id for one, _ in matched}, {two.id for _, two in matched}]
    said = []
    for which, own, other, known in (("older", old, new, ids[0]), ("newer", new, old, ids[1])):
        said += [_left_out(attack, which, other) for attack in own if attack.id not in known]
    return matched, said


def attack_comparisons(pair: Pair, matched: Matched) -> list[AttackComparison]:
    """One an attack; Holm over the attacks, for each kind of statistic by itself."""
    found = [_compared(pair, one, two) for one, two in matched]
    for field in ("flips", "robust_accuracy", "reached"):
        found = _adjusted(found, field)
    radii = [(i, item.radius) for i, item in enumerate(found) if item.radius and item.radius.p is not None]
    for (i, radius), p in zip(radii, holm([r.p for _, r in radii if r.p is not None]), strict=True):
        found[i] = found[i].model_copy(update={"radius": radius.model_copy(update={"p_holm": p})})
    return found


def _made(attack: AttackRecord) -> tuple[object, ...]:
    return attack.name, attack.parameters, attack.criterion_name, attack.criterion_parameters


def _left_out(attack: AttackRecord, which: str, others: Sequence[AttackRecord]) -> str:
    same = [other for other in others if (other.name, other.criterion) == (attack.name, attack.criterion)]
    if not same:
        return f"attack {attack.id} ({attack.criterion}): in the {which} audit alone"
    own, its = (item.parameters | item.criterion_parameters for item in (attack, same[0]))
    apart = [f"{key} {own.get(key)} and {its.get(key)}" for key in own | its if own.get(key) != its.get(key)]
    return f"attack {attack.id} of the {which} audit: the other has it with other parameters ({', '.join(apart)})"


def _adjusted(found: list[AttackComparison], field: str) -> list[AttackComparison]:
    own: list[tuple[int, PairedStatistic]] = [
        (i, getattr(item, field)) for i, item in enumerate(found) if getattr(item, field) is not None
    ]
    for (i, _), statistic in zip(own, family(statistic for _, statistic in own), strict=True):
        found[i] = found[i].model_copy(update={field: statistic})
    return found


def _compared(pair: Pair, old: AttackRecord, new: AttackRecord) -> AttackComparison:
    was, now = (rows.flags("flipped") for rows in _rows(pair, old, new))
    was_rounded, now_rounded = (rows.flags("flipped") for rows in _rows(pair, old, new, quantised=True))
    decides = not (old.why_not or new.why_not)
    aimed = (
        decides if new.after_a_flip else not any(item.failed > FAILED * item.images for item in (old, new))
    )
    flips = share("flip rate", was, now, pair.cases)
    rounded = share("flip rate after rounding", was_rounded, now_rounded, pair.cases)
    reasons = {"older": old.why_not, "newer": new.why_not}
    return AttackComparison(
        attack_id=new.id,
        id_before=old.id,
        summary=new.summary,
        norm=new.norm,
        criterion=new.criterion,
        after_a_flip=new.after_a_flip,
        why_not="; ".join(f"in the {which} audit {reason}" for which, reason in reasons.items() if reason),
        flips=_tested(flips, decides),
        flips_rounded=_tested(rounded, False),  # no second test of the same question
        robust_accuracy=_tested(_robust(pair, old, new), decides),
        reached=None if new.after_a_flip else _tested(_reached(pair, old, new), aimed),
        breakable=named(pair.names, now & ~was),
        mended=named(pair.names, was & ~now),
        radius=_tested(radius_comparison(pair, old, new), aimed),
    )


def _tested(found: Item, sound: bool) -> Item:
    """Without its p where the figures say nothing: a constant model, or an attack that failed, seems robust."""
    return found if found is None or sound else found.model_copy(update={"p": None})


def _rows(pair: Pair, old: AttackRecord, new: AttackRecord, *, quantised: bool = False) -> tuple[Rows, Rows]:
    return (
        pair.before.attacked(old.id, quantised=quantised),
        pair.after.attacked(new.id, quantised=quantised),
    )


def _robust(pair: Pair, old: AttackRecord, new: AttackRecord) -> PairedStatistic | None:
    """Right when clean and right after the attack, of labelled images."""
    known = pair.labels >= 0
    if not known.any():
        return None
    attacked = (rows.classes("decision", pair.classes) for rows in _rows(pair, old, new))
    was, now = (
        right_throughout(pair.labels, clean, after)[known]
        for clean, after in zip(pair.decisions(), attacked, strict=True)
    )
    return share("robust accuracy", was, now, select(pair.cases, known))


def _reached(pair: Pair, old: AttackRecord, new: AttackRecord) -> PairedStatistic | None:
    """Of the images that the goal is asked of in both audits; None without any."""
    was, now = _rows(pair, old, new)
    asked = np.asarray(was.flags("applicable") & now.flags("applicable"))
    if not asked.any():
        return None
    return share(
        "goal reached", was.flags("reached")[asked], now.flags("reached")[asked], select(pair.cases, asked)
    )
