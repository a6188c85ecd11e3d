"""The yardstick of drift: how far a simulated second sweep of the probe moves the maps of the older checkpoint."""

import numpy as np

from xaiaudit.acquisition.registry import CHANGES, change, settings
from xaiaudit.comparison.paired_statistics import share
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.shifts import Shifts
from xaiaudit.comparison.stored import Stored
from xaiaudit.comparison_record import DriftMultiple, NaturalDrift
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.multiples import LIKENESS, amount, farther, median_amount, times
from xaiaudit.records import SECOND_SWEEP, SHIFT_METRICS
from xaiaudit.rows import Rows
from xaiaudit.types import Vector, plain

LEADING = "mass_centre_diagonal"  # the measure whose ratio is judged, as every image has it
LEVEL = 0.05
NOTHING = 1e-9  # of a diagonal, a millimetre or a correlation


def no_yardstick(pair: Pair, before: Stored) -> str:
    """Why drift has nothing to be measured by; "" where it has."""
    if pair.before.record.variability is None:
        return "the older audit simulated no second sweep"
    swept = {shift.explainer_id for shift in pair.before.record.variability.shifts}
    if before.explainer.id not in swept:
        return "no second sweep was simulated for an explainer that makes passes of its own"
    if not before.whole:
        return "the maps are stored coarser than they were computed, and a second sweep was measured on whole ones"
    return ""


def natural_drift(pair: Pair, before: Stored, shifts: Shifts, explainers: int) -> NaturalDrift:
    """Both on the same images. Moved: of those whose decision the sweep left standing too.

    `explainers` is the number of those compared, whose ratios are one family (Bonferroni).
    """
    found = sweeps_of(pair, before)
    second = found[-1]
    silent = second.floats("silent_shift")
    stood = shifts.compared & ~second.flags("flipped") & ~np.isnan(silent)
    made_of = _made_of(pair)
    return NaturalDrift(
        changes=made_of,
        whole=CHANGES.keys() <= set(made_of),  # with another strength it has another name
        moved=share("moved", (silent == 1)[stood], shifts.moved[stood], select(pair.cases, stood)),
        multiples=[_multiple(pair, shifts, found, metric) for metric in SHIFT_METRICS],
        centre=times(
            drift_amounts(shifts, LEADING),
            sweep_amounts(second, LEADING),
            pair.cases,
            level=1 - LEVEL / explainers,
        ),
    )


def _made_of(pair: Pair) -> list[str]:
    """The changes of the sweep, as people write them: with the strengths that are not the default."""
    variability = pair.before.record.variability
    made = []
    for item in variability.changes if variability else ():
        if item.name == SECOND_SWEEP:
            continue
        usual = plain(settings(change(item.name)))
        own = [f"{key}={value}" for key, value in item.parameters.items() if usual.get(key) != value]
        made.append(f"{item.name}:{','.join(own)}" if own else item.name)
    return made


def sweeps_of(pair: Pair, before: Stored) -> list[Rows]:
    """Rows of every simulated change; the last is all of them at once."""
    variability = pair.before.record.variability
    changes = [] if variability is None else variability.changes
    return [pair.before.sweep(item.id, before.explainer.id) for item in changes]


def drift_amounts(shifts: Shifts, metric: str) -> Vector:
    """How far each compared map drifted; NaN where it was not compared or the measure is undefined.

    A correlation of a map with itself may miss 1 by the last digits: that is no drift. Where likeness is not measured
    the vanished maps alone would tell of it: they too are NaN.
    """
    if metric in LIKENESS and not shifts.one_grid:
        return np.full(len(shifts.compared), np.nan)
    found = amount(metric, shifts.values[metric], shifts.vanished)
    return np.where(np.abs(found) < NOTHING, 0.0, found)


def sweep_amounts(rows: Rows, metric: str) -> Vector:
    return amount(metric, rows.floats(metric), rows.flags("vanished"))


def _multiple(pair: Pair, shifts: Shifts, found: list[Rows], metric: str) -> DriftMultiple:
    drift, second = drift_amounts(shifts, metric), sweep_amounts(found[-1], metric)
    among = ~np.isnan(drift) & ~np.isnan(second)
    each = np.stack([sweep_amounts(rows, metric) for rows in found], axis=1)
    return DriftMultiple(
        metric=metric,
        drift=median_amount(drift[among]),
        second_sweep=median_amount(second[among]),
        times=times(drift, second, pair.cases),
        farther=farther(drift, each, pair.cases),
    )
