"""From the map rows of one attack, explainer and target to their record."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.auditing.plan import PlannedAttack, PlannedExplainer
from xaiaudit.auditing.pointing_statistics import pointing_records
from xaiaudit.auditing.tables import Tables
from xaiaudit.explainers.registry import explainer as make_explainer
from xaiaudit.metrics.bootstrap import distribution
from xaiaudit.metrics.paired import holm, wilcoxon
from xaiaudit.metrics.proportions import proportion
from xaiaudit.metrics.pseudo_mask import THRESHOLD
from xaiaudit.records import (
    PEAK_STATES,
    PSEUDO_METRICS,
    REGIONS,
    SHIFT_METRICS,
    Distribution,
    ExplainerRecord,
    Interval,
    MapRecord,
    PseudoMaskRecord,
)
from xaiaudit.rows import Rows

SHIFTED = (*SHIFT_METRICS, *(f"delta_energy_{region}" for region in REGIONS))
TESTED = ("energy_lesion", "energy_ring", "energy_posterior", "relevance_rank")


def explainer_record(rows: Rows, planned: PlannedExplainer) -> ExplainerRecord:
    """What the maps in `rows` are, as they were computed."""
    return ExplainerRecord(
        id=planned.id,
        name=planned.name,
        layer=planned.layer,
        grid=(rows.table["native_rows"][0].as_py(), rows.table["native_columns"][0].as_py()),
        signed=_signed(planned),
        parameters=planned.parameters,
    )


def _signed(planned: PlannedExplainer) -> bool:
    return make_explainer(planned.name, **planned.parameters).signed


def map_records(tables: Tables) -> list[MapRecord]:
    """One record for every attack, explainer and target."""
    return [
        map_record(tables, attack, explainer, target)
        for attack in tables.plan.attacks
        for explainer in tables.plan.explainers
        for target in ("same", "own")
    ]


def map_record(tables: Tables, attack: PlannedAttack, explainer: PlannedExplainer, target: str) -> MapRecord:
    """How the maps of one explainer moved under one attack.

    The clean maps explain the clean decision; those after the attack explain it too ("same"), or the
    decision after the attack ("own").
    """
    before = tables.map("none", explainer.id, "own")
    after = tables.map(attack.id, explainer.id, target)
    signed = _signed(explainer)
    flipped = tables.prediction(attack.id).flags("flipped")
    values = {metric: after.floats(metric) for metric in SHIFTED}
    silent = after.floats("silent_shift")
    return MapRecord(
        attack_id=attack.id,
        explainer_id=explainer.id,
        target="same" if target == "same" else "own",
        images=len(flipped),
        undefined_before=int((~before.flags("defined")).sum()),
        undefined_after=int((~after.flags("defined")).sum()),
        vanished=int(after.flags("vanished").sum()),
        shift=distributions(values, np.ones_like(flipped), before.cases),
        shift_flipped=distributions(values, flipped, before.cases),
        shift_unflipped=distributions(values, ~flipped, before.cases),
        wilcoxon=_tests(before, after),
        silent_shift=rate(silent, np.ones_like(flipped), before.cases),
        silent_shift_unflipped=rate(silent, ~flipped, before.cases),
        pointing=pointing_records(before, after, signed=signed),
        pseudo_masks=[
            PseudoMaskRecord(
                metric=metric,
                before=distribution(before.floats(metric), before.cases),
                after=distribution(after.floats(metric), before.cases),
            )
            for metric in PSEUDO_METRICS
        ],
        pseudo_threshold=THRESHOLD,
        transitions=_transitions(before.strings("peak_state"), after.strings("peak_state")),
    )


def distributions(
    values: dict[str, np.ndarray], among: np.ndarray, cases: Sequence[str]
) -> dict[str, Distribution]:
    """Of each metric, over the images named by `among`."""
    own = [case for case, keep in zip(cases, among, strict=True) if keep]
    return {metric: distribution(column[among], own) for metric, column in values.items()}


def rate(flags: np.ndarray, among: np.ndarray, cases: Sequence[str]) -> Interval:
    """Of 0, 1 and NaN; NaN is left out."""
    among = among & np.isfinite(flags)
    return proportion(flags[among] == 1, [case for case, keep in zip(cases, among, strict=True) if keep])


def _tests(before: Rows, after: Rows) -> dict[str, float | None]:
    raw = {metric: wilcoxon(before.floats(metric), after.floats(metric), before.cases) for metric in TESTED}
    known = [metric for metric, p in raw.items() if p is not None]
    adjusted = dict(zip(known, holm([p for p in raw.values() if p is not None]), strict=True))
    return {metric: adjusted.get(metric) for metric in TESTED}


def _transitions(before: Sequence[str], after: Sequence[str]) -> list[list[int]]:
    """Counts [state before][state after] of images with a lesion, in the order of PEAK_STATES."""
    counts = np.zeros((len(PEAK_STATES), len(PEAK_STATES)), np.int64)
    for old, new in zip(before, after, strict=True):
        if "unknown" not in (old, new):
            counts[PEAK_STATES.index(old), PEAK_STATES.index(new)] += 1
    return [[int(count) for count in row] for row in counts]
