"""From the prediction rows of one attack to its record."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.attacks.registry import ART_PREFIX, settings
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.auditing.box_statistics import detection
from xaiaudit.auditing.candidates import support
from xaiaudit.auditing.plan import PlannedAttack
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics import flips
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.confidence import confidence_record
from xaiaudit.metrics.paired import holm, sign_flip
from xaiaudit.metrics.proportions import FEWEST, proportion
from xaiaudit.records import (
    AttackRecord,
    CheckpointRecord,
    ConfidenceRecord,
    CurvePoint,
    Distribution,
    Interval,
)
from xaiaudit.rows import Rows
from xaiaudit.types import plain

ONE_DECISION = (
    "the model gives one decision to over 95 % of the clean images, so that it hardly decides at all"
)
TOO_FEW = (
    f"the clean images all get one decision, and fewer than {FEWEST} cannot show whether the model would decide "
    "otherwise on others; audit more"
)
ONE_OUTLINE = (
    "the model makes no diagnosis: it decides whether to outline anything, and decides that alike for over 95 % of the "
    "clean images"
)
CURVE_NOTE = (
    "for each image the smallest of these radii is searched at which the goal is reached, and the smallest at which it "
    "still is after rounding to 8 bits: it then counts at every larger radius, as its adversarial image lies in those "
    "balls too; where the attack fails at a radius, smaller ones are not tried, unless no radius was enough"
)


RISING_NOTE = (
    "each image is attacked at rising radii until the goal is reached, and counts at every larger radius, as its "
    "adversarial image lies in those balls too"
)


def attack_records(tables: Tables) -> list[AttackRecord]:
    """One record for every attack; the tests of all attacks are one family."""
    records = [attack_record(tables, planned) for planned in tables.plan.attacks]
    adjusted = iter(holm([record.mcnemar_p for record in records if record.mcnemar_p is not None]))
    return [
        record if record.mcnemar_p is None else record.model_copy(update={"mcnemar_holm": next(adjusted)})
        for record in records
    ]


def attack_record(tables: Tables, planned: PlannedAttack) -> AttackRecord:
    """Every statistic of one attack, with case-level intervals."""
    plan, clean = tables.plan, tables.clean
    classes = plan.checkpoint.classes
    positive = classes.index(plan.checkpoint.positive)
    attack = make_attack(planned.name, **planned.parameters)
    rows, rounded = tables.prediction(planned.id), tables.prediction(planned.id, quantised=True)
    labels, before = clean.classes("label", classes), clean.classes("decision", classes)
    after, after_rounded = rows.classes("decision", classes), rounded.classes("decision", classes)
    cases = clean.cases
    gained, lost = flips.rounding(before, after, after_rounded)
    failed = int(rows.flags("failed").sum())
    why_not = _why_not(before, failed, plan.checkpoint)
    curve = [_point(tables, planned, radius) for radius in planned.radii]
    smallest, never = _smallest(tables, planned, attack.norm, attack.epsilon)
    labelled = labels >= 0
    own = [case for case, known in zip(cases, labelled, strict=True) if known]
    spent = tables.predictions.filter(_of(tables, planned.id))
    return AttackRecord(
        id=planned.id,
        name=planned.name,
        summary=attack.describe(),
        parameters=planned.parameters,
        defaults=plain(settings(make_attack(planned.name))),
        norm=attack.norm,
        epsilon=attack.epsilon,
        steps=attack.steps,
        step_size=attack.step_size,
        random_start=attack.random_start,
        criterion=planned.goal,
        criterion_name=planned.criterion,
        criterion_parameters=planned.criterion_parameters,
        applicable=int(rows.flags("applicable").sum()),
        reached=_reached(rows),
        reached_quantised=_reached(rounded),
        broken_by=_broken_by(rows),
        assessable=not why_not,
        why_not=why_not,
        images=len(before),
        flips=flips.flip_rate(before, after, cases),
        flips_quantised=flips.flip_rate(before, after_rounded, cases),
        flips_by_rounding_alone=gained,
        lost_in_rounding=lost,
        robust_accuracy=flips.robust_accuracy(labels, before, after, cases=cases),
        robust_balanced_accuracy=flips.robust_balanced_accuracy(
            labels, before, after, cases=cases, k=len(classes)
        ),
        missed_cancers=flips.missed_cancers(labels, before, after, cases, positive=positive),
        false_alarms=flips.false_alarms(labels, before, after, cases, positive=positive),
        from_positive=flips.from_positive(before, after, cases, positive=positive),
        from_negative=flips.from_negative(before, after, cases, positive=positive),
        confidence=_confidence(tables, rows),
        failed=failed,
        linf=distribution(rows.floats("linf"), cases),
        l2=distribution(rows.floats("l2"), cases),
        smallest_radius=smallest,
        never_flipped=never,
        curve=curve,
        curve_note=_curve_note(planned) if curve else "",
        detection=detection(rows),
        dice_after=_mean(rows.floats("dice"), cases),
        dice_drop=_mean(clean.floats("dice") - rows.floats("dice"), cases),
        mcnemar_p=sign_flip((before == labels)[labelled], (after == labels)[labelled], own)
        if labelled.any()
        else None,
        forwards=int(np.sum(spent["forwards"].to_numpy())),
        backwards=int(np.sum(spent["backwards"].to_numpy())),
    )


def _curve_note(planned: PlannedAttack) -> str:
    return RISING_NOTE if planned.name.startswith(ART_PREFIX) else CURVE_NOTE


def _reached(rows: Rows) -> Interval:
    """Of the images that the criterion applies to."""
    applies = rows.flags("applicable")
    return proportion(
        rows.flags("reached")[applies], [case for case, yes in zip(rows.cases, applies, strict=True) if yes]
    )


def _broken_by(rows: Rows) -> dict[str, int]:
    return dict(sorted(Counter(name for name in rows.strings("broken_by") if name is not None).items()))


def _why_not(before: np.ndarray, failed: int, checkpoint: CheckpointRecord) -> str:
    """Why flip rates would say nothing; empty where they do say something."""
    if not flips.assessable(before):
        if not checkpoint.diagnoses:
            return ONE_OUTLINE
        return TOO_FEW if 0 < len(before) < FEWEST else ONE_DECISION
    if failed > flips.FAILED * len(before):
        return (
            f"the attack failed on {failed} of {len(before)} images (a zero or non-finite gradient, or nowhere to "
            "begin), which is no sign of robustness"
        )
    return ""


def _of(tables: Tables, attack_id: str) -> pa.ChunkedArray:
    # the rounded rows repeat the passes of the unrounded ones
    return pc.and_(
        pc.equal(tables.predictions["attack_id"], attack_id), pc.invert(tables.predictions["quantised"])
    )


def _point(tables: Tables, planned: PlannedAttack, radius: float) -> CurvePoint:
    classes, clean = tables.plan.checkpoint.classes, tables.clean
    labels, before = clean.classes("label", classes), clean.classes("decision", classes)
    after, rounded = (
        tables.prediction(planned.id, quantised=quantised, epsilon=radius).classes("decision", classes)
        for quantised in (False, True)
    )
    reached, reached_rounded = (
        _reached(tables.prediction(planned.id, quantised=quantised, epsilon=radius))
        for quantised in (False, True)
    )
    return CurvePoint(
        epsilon=radius,
        reached=reached,
        reached_quantised=reached_rounded,
        flips=flips.flip_rate(before, after, clean.cases),
        flips_quantised=flips.flip_rate(before, rounded, clean.cases),
        robust_accuracy=flips.robust_accuracy(labels, before, after, cases=clean.cases),
    )


def _smallest(
    tables: Tables, planned: PlannedAttack, norm: str, epsilon: float | None
) -> tuple[Distribution | None, int]:
    """The smallest radius that reached the goal, among those tried, and for how many images none did."""
    applies = tables.prediction(planned.id).flags("applicable")
    if epsilon is None:  # a minimum-norm attack finds its own radius
        rows = tables.prediction(planned.id)
        radii = np.where(rows.flags("reached"), rows.floats(norm), np.nan)
    elif planned.radii:
        radii = np.full(len(tables.clean.cases), np.nan)
        for radius in sorted(planned.radii, reverse=True):
            reached = tables.prediction(planned.id, epsilon=radius).flags("reached")
            radii = np.where(reached, radius, radii)
    else:
        radii = np.where(tables.prediction(planned.id).flags("reached"), 0.0, np.nan)
        return None, int((np.isnan(radii) & applies).sum())
    return distribution(radii, tables.clean.cases), int((np.isnan(radii) & applies).sum())


def _confidence(tables: Tables, rows: Rows) -> ConfidenceRecord | None:
    checkpoint, clean = tables.plan.checkpoint, tables.clean
    before, after = (
        support(own.stacked("logits"), own.classes("decision", checkpoint.classes), checkpoint.threshold)
        for own in (clean, rows)
    )
    return confidence_record(before, after, rows.flags("flipped"), clean.cases)


def _mean(values: np.ndarray, cases: list[str]) -> Interval | None:
    return bootstrap(values, cases) if np.isfinite(values).any() else None
