"""Verdicts on the model itself: whether any attack on it can tell anything. No torch."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.auditing.self_checks.record import ModelFacts
from xaiaudit.auditing.self_checks.tolerance import allowed
from xaiaudit.metrics.flips import ONE_DECISION, assessable
from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.records import SelfCheckRecord

REPEATABLE = "outputs are repeatable"
LOGITS = "outputs are logits"
GRADIENTS = "gradients are neither zero nor NaN"
DECIDES = "the model decides at all"
ROUNDING = 1e-3  # relative change of a logit that arithmetic in another order may explain, float16 included
SUM = 1e-3  # how far probabilities in low precision may miss a sum of 1


def repeats(facts: ModelFacts) -> bool:
    """Whether success of an attack can mean anything: the model says the same when it is asked again."""
    return all(change is not None and change <= ROUNDING for change in facts.drift)


def model_checks(
    facts: ModelFacts, decisions: Sequence[int], *, diagnoses: bool = True
) -> list[SelfCheckRecord]:
    """One record a check, in the order of the report. `decisions`: on as many clean images as are known."""
    return [_repeatable(facts), _logits(facts), _gradients(facts), _decision(decisions, diagnoses=diagnoses)]


def record(
    name: str, good: bool, words: str, figures: dict[str, float | int | None], attack_id: str | None = None
) -> SelfCheckRecord:
    return SelfCheckRecord(
        attack_id=attack_id, name=name, status="passed" if good else "failed", words=words, figures=figures
    )


def _repeatable(facts: ModelFacts) -> SelfCheckRecord:
    changes = [change for change in facts.drift if change is not None]
    n, broken = len(facts.drift), len(facts.drift) - len(changes)
    moved = broken + sum(change > ROUNDING for change in changes)
    largest = max(changes, default=None)
    words = (
        f"asked again, alone and in other company, the model gave the same logits for {n} images; "
        f"the largest relative change was {largest or 0:.2g}"
        if not moved
        else f"asked again for the same images, the model gave other logits for {moved} of {n}"
        + (f" (largest relative change {largest:.2g})" if largest is not None else "")
        + "; take out what is random, or what looks at the whole batch: until then no rate can be repeated"
    )
    figures: dict[str, float | int | None] = {
        "images": n,
        "changed": moved,
        "largest_relative_change": largest,
    }
    return record(REPEATABLE, not moved, words, figures)


def _logits(facts: ModelFacts) -> SelfCheckRecord:
    figures: dict[str, float | int | None] = {"lowest": facts.lowest, "highest": facts.highest}
    if facts.lowest is None or facts.highest is None or facts.sums is None:
        words = "the model gives outputs that are not finite for inverted images or noise, so their range says nothing"
        return SelfCheckRecord(
            attack_id=None, name=LOGITS, status="not assessable", words=words, figures=figures
        )
    told = f"outputs of clean, inverted and noise images lie in {facts.lowest:.3g} to {facts.highest:.3g}"
    if not facts.squashed and not _probabilities(facts, facts.lowest, facts.highest, facts.sums):
        return record(LOGITS, True, told, figures)
    if facts.squashed is False:
        words = (
            f"{told}, as probabilities do, but the network ends in no sigmoid or softmax: these are either small "
            "logits, as of a network that hardly learnt, or probabilities that it makes in its own way"
        )
        return SelfCheckRecord(
            attack_id=None, name=LOGITS, status="not assessable", words=words, figures=figures
        )
    what = "as from a sigmoid" if facts.one_output else "and sum to 1, as from a softmax"
    words = (
        f"{told} {what}: the model seems to give probabilities where logits are meant, which shifts the operating "
        "threshold and kills gradients; leave out its last activation"
    )
    return record(LOGITS, False, words, figures)


def _probabilities(facts: ModelFacts, low: float, high: float, sums: tuple[float, float]) -> bool:
    if facts.one_output:  # read as [0, z], or [0, -z] where the positive class is named first
        return (low >= 0 and high <= 1) or (low >= -1 and high <= 0)
    return low >= 0 and high <= 1 and sums[0] >= 1 - SUM and sums[1] <= 1 + SUM


def _gradients(facts: ModelFacts) -> SelfCheckRecord:
    n = len(facts.gradients)
    zero, broken = facts.gradients.count("zero"), facts.gradients.count("not finite")
    good = zero + broken <= allowed(n)
    words = (
        f"of {n} clean images, {zero} have a gradient that is zero everywhere and {broken} one that is not finite"
        if zero + broken
        else f"all {n} clean images have a finite gradient that is not zero"
    )
    if not good:
        words += "; attacks by gradients cannot see this model, so that their flip rates are lower bounds"
    return record(GRADIENTS, good, words, {"images": n, "zero": zero, "not_finite": broken})


def _decision(decisions: Sequence[int], *, diagnoses: bool) -> SelfCheckRecord:
    n = len(decisions)
    most = int(np.bincount(decisions).max())
    words = f"the most frequent decision goes to {most} of {n} images"
    good = assessable(np.array(decisions, np.int64))
    figures: dict[str, float | int | None] = {"images": n, "most_frequent": most}
    if not good and not diagnoses:
        words += "; the model makes no diagnosis, and may well outline something, or nothing, in nearly every image"
        return SelfCheckRecord(
            attack_id=None, name=DECIDES, status="not assessable", words=words, figures=figures
        )
    if not good and n < FEWEST:
        words += f"; fewer than {FEWEST} cannot show whether it would decide otherwise on others"
        return SelfCheckRecord(
            attack_id=None, name=DECIDES, status="not assessable", words=words, figures=figures
        )
    if not good:
        words += f", more than {100 * ONE_DECISION:.0f} %: a model that hardly decides hardly flips, and is worthless"
    return record(DECIDES, good, words, figures)
