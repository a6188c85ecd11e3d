"""From the rows of simulated second sweeps to their record, and attacks beside them."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.auditing.map_statistics import SHIFTED, distributions, rate
from xaiaudit.auditing.plan import PlannedExplainer
from xaiaudit.auditing.sweeps import Sweep, sweeps
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.multiples import amount, farther, median_amount, times
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import (
    ONE_CHANGE,
    SECOND_SWEEP,
    SHIFT_METRICS,
    ChangeRecord,
    MultipleRecord,
    NaturalShiftRecord,
    VariabilityRecord,
)
from xaiaudit.rows import Rows


def variability_record(tables: Tables) -> VariabilityRecord | None:
    """None where no change of the acquisition was simulated."""
    if tables.acquisition is None:
        return None
    planned = sweeps(tables.plan)
    explainers = tables.swept_explainers()
    shifts, multiples = [], []
    for explainer in explainers:
        rows = {sweep.id: tables.change(sweep.id, explainer.id) for sweep in planned}
        single = [found for name, found in rows.items() if name != SECOND_SWEEP]
        shifts += [_shift(explainer.id, name, [found]) for name, found in rows.items()]
        if len(single) > 1:
            shifts.append(_shift(explainer.id, ONE_CHANGE, single))
        multiples += _multiples(tables, explainer.id, single, rows[planned[-1].id])
    return VariabilityRecord(
        changes=[_change(tables, sweep, explainers) for sweep in planned], shifts=shifts, multiples=multiples
    )


def _change(tables: Tables, sweep: Sweep, explainers: Sequence[PlannedExplainer]) -> ChangeRecord:
    rows = tables.change(sweep.id, explainers[0].id if explainers else None)  # decisions are the same in all
    return ChangeRecord(
        id=sweep.id,
        name=sweep.name,
        summary=sweep.describe(),
        parameters=sweep.parameters(),
        decisions_changed=proportion(rows.flags("flipped"), rows.cases),
    )


def _shift(explainer_id: str, change_id: str, parts: Sequence[Rows]) -> NaturalShiftRecord:
    """Of one change, or of several pooled."""
    cases = [case for part in parts for case in part.cases]
    flipped, every = _flags(parts, "flipped"), np.ones(len(cases), bool)
    silent = _floats(parts, "silent_shift")
    return NaturalShiftRecord(
        change_id=change_id,
        explainer_id=explainer_id,
        images=len(parts[0].cases),
        undefined_after=int((~_flags(parts, "defined")).sum()),
        vanished=int(_flags(parts, "vanished").sum()),
        shift=distributions({metric: _floats(parts, metric) for metric in SHIFTED}, every, cases),
        silent_shift=rate(silent, every, cases),
        silent_shift_unflipped=rate(silent, ~flipped, cases),
    )


def _multiples(
    tables: Tables, explainer_id: str, single: Sequence[Rows], second: Rows
) -> list[MultipleRecord]:
    records = []
    for attack in tables.plan.attacks:
        attacked = tables.map(attack.id, explainer_id, "same")
        for metric in SHIFT_METRICS:
            under, whole = _amounts(attacked, metric), _amounts(second, metric)
            each = np.stack([_amounts(part, metric) for part in single], axis=1)
            typical = _row_medians(each)
            among = ~np.isnan(under) & ~np.isnan(whole)
            records.append(
                MultipleRecord(
                    attack_id=attack.id,
                    explainer_id=explainer_id,
                    metric=metric,
                    attack=median_amount(under[among]),
                    second_sweep=median_amount(whole[among]),
                    one_change=median_amount(typical[among]),
                    times_second_sweep=times(under, whole, attacked.cases),
                    times_one_change=times(under, typical, attacked.cases),
                    farther=farther(under, np.column_stack([each, whole]), attacked.cases),
                )
            )
    return records


def _amounts(rows: Rows, metric: str) -> np.ndarray:
    return amount(metric, rows.floats(metric), rows.flags("vanished"))


def _row_medians(amounts: np.ndarray) -> np.ndarray:
    """The median of each image's amounts, undefined ones left out, (n,); NaN where all are."""
    return np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in amounts])


def _flags(parts: Sequence[Rows], name: str) -> np.ndarray:
    return np.concatenate([part.flags(name) for part in parts])


def _floats(parts: Sequence[Rows], name: str) -> np.ndarray:
    return np.concatenate([part.floats(name) for part in parts])
