"""Explanation drift: whether the maps of the clean images moved from one checkpoint to the other."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.comparison.natural import LEADING, LEVEL, natural_drift, no_yardstick
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.pointing import no_pointing, pointing_differences
from xaiaudit.comparison.shifts import Shifts, shifts
from xaiaudit.comparison.stored import Stored, field, stored
from xaiaudit.comparison_record import DriftRecord, Finding
from xaiaudit.metrics.bootstrap import distribution
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.paired import holm
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import PEAK_STATES, ExplainerRecord
from xaiaudit.types import Flags


def compared_maps(
    pair: Pair, matched: Sequence[tuple[ExplainerRecord, ExplainerRecord]]
) -> list[tuple[Stored, Stored, Shifts]]:
    """The maps of each pair of explainers and how far they moved; none where an audit did not record the field."""
    if not matched or not (pair.before.knows_field and pair.after.knows_field):
        return []
    whole, (was, now) = field(pair), pair.decisions()
    found = []
    for old, new in matched:
        before, after = stored(pair.before, old), stored(pair.after, new)
        found.append((before, after, shifts(whole, before, after, was == now)))
    return found


def drift_records(pair: Pair, compared: Sequence[tuple[Stored, Stored, Shifts]]) -> list[DriftRecord]:
    """One an explainer; the tests against a second sweep are one family."""
    found = [_record(pair, *item, explainers=len(compared)) for item in compared]
    tested = [
        (i, item.natural)
        for i, item in enumerate(found)
        if item.natural is not None and item.natural.moved.p is not None
    ]
    adjusted = holm([natural.moved.p for _, natural in tested if natural.moved.p is not None])
    for (i, natural), p in zip(tested, adjusted, strict=True):
        moved = natural.moved.model_copy(update={"p_holm": p})
        found[i] = found[i].model_copy(update={"natural": natural.model_copy(update={"moved": moved})})
    return [item.model_copy(update={"finding": finding(item)}) for item in found]


def finding(record: DriftRecord) -> Finding:
    """Drifted: maps moved, by the rule, on more images than a second sweep moves them. Farther: not shown to be on
    more, but the mass centre moved farther than a second sweep moves it. Within: neither is shown."""
    if record.compared == 0:
        return "not assessed"
    if record.drifted.estimate == 0 and not any(
        spread.maximum for metric, spread in record.shift.items() if metric in ("peak_diagonal", LEADING)
    ):
        return "unmoved"
    if record.natural is None:
        return "no yardstick"
    moved = record.natural.moved
    if moved.p_holm is not None and moved.p_holm < LEVEL and (moved.difference.estimate or 0) > 0:
        return "drifted"
    low = record.natural.centre.low
    return "farther" if low is not None and low > 1 else "within"


def _record(pair: Pair, before: Stored, after: Stored, found: Shifts, *, explainers: int) -> DriftRecord:
    why_no_natural, why_no_pointing = no_yardstick(pair, before), no_pointing(pair)
    return DriftRecord(
        explainer_id=after.explainer.id,
        id_before=before.explainer.id,
        layer_before=before.explainer.layer,
        layer_after=after.explainer.layer,
        grid_before=before.explainer.grid,
        grid_after=after.explainer.grid,
        stored_before=before.grid,
        stored_after=after.grid,
        signed=after.explainer.signed,
        images=len(pair.names),
        decided_otherwise=int((~found.same_decision).sum()),
        undefined_before=int((found.same_decision & ~before.defined).sum()),
        appeared=int((found.same_decision & ~before.defined & after.defined).sum()),
        compared=int(found.compared.sum()),
        vanished=int(found.vanished.sum()),
        drifted=proportion(found.moved[found.compared], select(pair.cases, found.compared)),
        peak_left=int(found.peak_left.sum()),
        centre_far=int(found.centre_far.sum()),
        shift={metric: distribution(values, pair.cases) for metric, values in found.values.items()},
        transitions=_transitions(before, after, found.compared),
        natural=None if why_no_natural else natural_drift(pair, before, found, explainers),
        why_no_natural=why_no_natural,
        pointing=[] if why_no_pointing else pointing_differences(pair, before, after),
        why_no_pointing=why_no_pointing,
        finding="not assessed",
    )


def _transitions(before: Stored, after: Stored, compared: Flags) -> list[list[int]]:
    """Counts [state before][state after] of compared images with a lesion, in the order of PEAK_STATES."""
    counts = np.zeros((len(PEAK_STATES), len(PEAK_STATES)), np.int64)
    states = (item.rows.strings("peak_state") for item in (before, after))
    for old, new, there in zip(*states, compared, strict=True):
        if there and "unknown" not in (old, new):
            counts[PEAK_STATES.index(old), PEAK_STATES.index(new)] += 1
    return [[int(count) for count in row] for row in counts]
