"""images.csv: one row an image with its decisions, flips and drift in both audits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from xaiaudit.comparison.attacks import Matched
from xaiaudit.comparison.clean import scores
from xaiaudit.comparison.natural import no_yardstick, sweeps_of
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.radii import shared_radii, smallest_radii
from xaiaudit.comparison.shifts import Shifts
from xaiaudit.comparison.stored import Stored
from xaiaudit.records import SHIFT_METRICS

SWEPT = (
    "peak_mm",
    "peak_diagonal",
    "mass_centre_mm",
    "mass_centre_diagonal",
    "topk_intersection",
    "spearman",
)


def image_table(pair: Pair, attacks: Matched, maps: Sequence[tuple[Stored, Stored, Shifts]]) -> pa.Table:
    """Columns of an attack or explainer begin with its id in the newer audit. Null: not known, or not compared.

    Radii are in [0, 1] intensities (of an L2 attack its own norm), infinite where no radius flips the image.
    """
    before, after = pair.decisions()
    old, new = scores(pair)
    names = np.array(pair.classes)
    columns: dict[str, Any] = {
        "image": pair.names,
        "sha256": pair.sha256,
        "case": pair.cases,
        "label": pair.after.clean().table["label"].to_pylist(),
        "decision_before": names[before].tolist(),
        "decision_after": names[after].tolist(),
        "score_before": old,
        "score_after": new,
    }
    for one, two in attacks:
        columns |= _of_attack(pair, one, two)
    for item in maps:
        columns |= _of_maps(pair, *item)
    return pa.table({name: pa.array(_plain(values)) for name, values in columns.items()})


def _of_attack(pair: Pair, old: Any, new: Any) -> dict[str, Any]:
    flipped = [
        side.attacked(attack.id).flags("flipped") for side, attack in ((pair.before, old), (pair.after, new))
    ]
    columns = {f"{new.id}:flipped_before": flipped[0], f"{new.id}:flipped_after": flipped[1]}
    radii = shared_radii(old, new)
    if radii or new.epsilon is None:
        columns[f"{new.id}:radius_before"] = smallest_radii(pair.before, old, radii)
        columns[f"{new.id}:radius_after"] = smallest_radii(pair.after, new, radii)
    return columns


def _of_maps(pair: Pair, before: Stored, after: Stored, found: Shifts) -> dict[str, Any]:
    name = after.explainer.id
    states = [item.rows.strings("peak_state") for item in (before, after)]
    compared = found.compared.tolist()
    columns: dict[str, Any] = {
        f"{name}:drifted": [
            moved if there else None for moved, there in zip(found.moved.tolist(), compared, strict=True)
        ],
        f"{name}:vanished": [
            gone if there else None for gone, there in zip(found.vanished.tolist(), compared, strict=True)
        ],
        f"{name}:peak_before": states[0],
        f"{name}:peak_after": states[1],
        **{f"{name}:{metric}": found.values[metric] for metric in SHIFT_METRICS},
    }
    if not no_yardstick(pair, before):
        second = sweeps_of(pair, before)[-1]
        columns |= {f"{name}:second_sweep_{metric}": second.floats(metric) for metric in SWEPT}
    return columns


def _plain(values: Any) -> list[Any]:
    """NaN as null."""
    return [None if isinstance(v, float) and v != v else v for v in np.asarray(values, object).tolist()]
