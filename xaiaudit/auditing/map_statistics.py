"""From the map rows of one attack, explainer and target to their record."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.auditing.plan import PlannedAttack, PlannedExplainer
from xaiaudit.auditing.tables import Rows, Tables
from xaiaudit.explainers.registry import explainer as make_explainer
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.paired import holm, wilcoxon
from xaiaudit.metrics.pointing import chance_shuffled
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import (
    PEAK_STATES,
    REGIONS,
    SHIFT_METRICS,
    Distribution,
    Interval,
    MapRecord,
    PointingRecord,
)

POINTED = ("lesion", "ring", "posterior", "elsewhere", "any")
SHIFTED = (*SHIFT_METRICS, *(f"delta_energy_{region}" for region in REGIONS))
TESTED = ("energy_lesion", "energy_ring", "energy_posterior", "relevance_rank")


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
        shift=_distributions(values, np.ones_like(flipped), before.cases),
        shift_flipped=_distributions(values, flipped, before.cases),
        shift_unflipped=_distributions(values, ~flipped, before.cases),
        wilcoxon=_tests(before, after),
        silent_shift=_rate(silent, np.ones_like(flipped), before.cases),
        silent_shift_unflipped=_rate(silent, ~flipped, before.cases),
        pointing=_pointing(before, after, explainer),
        transitions=_transitions(before.strings("peak_state"), after.strings("peak_state")),
    )


def _distributions(
    values: dict[str, np.ndarray], among: np.ndarray, cases: Sequence[str]
) -> dict[str, Distribution]:
    own = [case for case, keep in zip(cases, among, strict=True) if keep]
    return {metric: distribution(column[among], own) for metric, column in values.items()}


def _rate(flags: np.ndarray, among: np.ndarray, cases: Sequence[str]) -> Interval:
    """Of 0, 1 and NaN; NaN is left out."""
    among = among & np.isfinite(flags)
    return proportion(flags[among] == 1, [case for case, keep in zip(cases, among, strict=True) if keep])


def _tests(before: Rows, after: Rows) -> dict[str, float | None]:
    raw = {metric: wilcoxon(before.floats(metric), after.floats(metric), before.cases) for metric in TESTED}
    known = [metric for metric, p in raw.items() if p is not None]
    adjusted = dict(zip(known, holm([p for p in raw.values() if p is not None]), strict=True))
    return {metric: adjusted.get(metric) for metric in TESTED}


def _pointing(before: Rows, after: Rows, explainer: PlannedExplainer) -> list[PointingRecord]:
    signed = make_explainer(explainer.name, **explainer.parameters).signed
    shuffled = _shuffled(before, signed=signed)
    records = []
    for extreme in ("maximum", "minimum", "either") if signed else ("maximum",):
        for region in POINTED:
            key = f"{extreme}_in_{region}"
            hits = before.floats(key)
            among = np.isfinite(hits)
            lasting = np.nan_to_num(after.floats(key), nan=0.0)  # a map that vanished points nowhere
            energy = region in REGIONS and extreme == "maximum"
            records.append(
                PointingRecord(
                    region=region,
                    extreme=extreme,
                    before=_share(hits[among], among, before.cases),
                    after=_share(lasting[among], among, before.cases),
                    chance_uniform=_uniform(before, region, extreme, among),
                    chance_shuffled=shuffled[key],
                    energy_before=distribution(before.floats(f"energy_{region}"), before.cases)
                    if energy
                    else None,
                    energy_after=distribution(after.floats(f"energy_{region}"), before.cases)
                    if energy
                    else None,
                )
            )
    return records


def _share(hits: np.ndarray, among: np.ndarray, cases: Sequence[str]) -> Interval:
    own = [case for case, keep in zip(cases, among, strict=True) if keep]
    if np.isin(hits, (0.0, 1.0)).all():
        return proportion(hits == 1, own)
    return bootstrap(hits, own)  # tied cells make a hit a fraction


def _uniform(before: Rows, region: str, extreme: str, among: np.ndarray) -> float | None:
    """Mean chance that a random point of the valid image (or one of two) lies in the region."""
    inside = REGIONS[:3] if region == "any" else (region,)
    area = sum((before.floats(f"area_{name}") for name in inside), start=np.zeros(len(among)))[among]
    if extreme == "either":
        area = 1 - (1 - area) ** 2
    return float(area.mean()) if area.size else None


def _shuffled(before: Rows, *, signed: bool) -> dict[str, float | None]:
    rows, columns = before.table["grid_rows"][0].as_py(), before.table["grid_columns"][0].as_py()
    maps = before.stacked("map").astype(np.float64).reshape(-1, rows, columns)
    codes = before.stacked("cells").astype(np.uint8).reshape(-1, rows, columns)
    chance = chance_shuffled(maps, codes, np.isfinite(before.floats("area_lesion")), signed=signed)
    return {key: None if np.isnan(value) else float(value) for key, value in chance.items()}


def _transitions(before: Sequence[str], after: Sequence[str]) -> list[list[int]]:
    """Counts [state before][state after] of images with a lesion, in the order of PEAK_STATES."""
    counts = np.zeros((len(PEAK_STATES), len(PEAK_STATES)), np.int64)
    for old, new in zip(before, after, strict=True):
        if "unknown" not in (old, new):
            counts[PEAK_STATES.index(old), PEAK_STATES.index(new)] += 1
    return [[int(count) for count in row] for row in counts]
