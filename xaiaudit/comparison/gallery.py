"""The images whose maps drifted most, with both maps, so that a report needs neither audit's tables."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.shifts import Shifts
from xaiaudit.comparison.stored import Stored
from xaiaudit.comparison_record import DriftCase, DriftMaps, MapOf

SHOWN, PICTURED = (
    4,
    2,
)  # images an explainer: the farthest of all, and the next of those that can be shown themselves
Maps = Sequence[tuple[Stored, Stored, Shifts]]
PICTURES = ("clean", "mask", "valid")


def drift_cases(pair: Pair, maps: Maps) -> list[DriftCase]:
    """Of each explainer the images with vanished maps first, then by how far the mass centre went.

    An image stands once, with the maps of all explainers.
    """
    pictures = _pictures(pair)
    chosen = dict.fromkeys(i for _, _, found in maps for i in _farthest(found, pictures))
    labels, decisions = pair.after.clean().table["label"].to_pylist(), pair.decisions()[1]
    spacings = maps[0][1].rows.table["spacing"].to_pylist() if maps else []
    return [
        DriftCase(
            image=pair.names[i],
            label=labels[i],
            decision=pair.classes[decisions[i]],
            maps=[
                DriftMaps(
                    explainer_id=after.explainer.id,
                    moved=_moved(found, i),
                    before=_map(before, i),
                    after=_map(after, i),
                )
                for before, after, found in maps
            ],
            pictures=pictures.get(i, {}),
            spacing=None if spacings[i] is None else (spacings[i][0], spacings[i][1]),
        )
        for i in chosen
    ]


def _farthest(found: Shifts, pictures: dict[int, dict[str, str]]) -> list[int]:
    distance = np.where(found.vanished, np.inf, np.nan_to_num(found.values["mass_centre_diagonal"]))
    order = [i for i in np.argsort(-distance, kind="stable").tolist() if distance[i] > 0]
    return order[:SHOWN] + [i for i in order[SHOWN:] if i in pictures][:PICTURED]


def _moved(found: Shifts, i: int) -> str:
    if not found.compared[i]:
        return "undefined in the older audit"
    if found.vanished[i]:
        return "the map vanished"
    mm, share = (found.values[f"mass_centre_{unit}"][i] for unit in ("mm", "diagonal"))
    far = f"{100 * share:.1f} % of the diagonal" if np.isnan(mm) else f"{mm:.1f} mm"
    left = ", peak left lesion, ring and posterior region" if found.peak_left[i] else ""
    return f"mass centre moved {far}{left}"


def _map(item: Stored, i: int) -> MapOf:
    return MapOf(
        grid=item.grid,
        values=[value if isfinite(value) else None for value in item.maps[i].ravel().tolist()],
        cells=item.rows.table["cells"][i].as_py(),
        peak=int(item.peaks[i]) if item.defined[i] else None,
    )


def _pictures(pair: Pair) -> dict[int, dict[str, str]]:
    """Of each image that the gallery of an audit holds, the newer first: what it is of -> path."""
    found: dict[int, dict[str, str]] = {}
    for side in (pair.before, pair.after):
        place = {name: i for i, name in enumerate(side.clean().strings("image"))}
        for case in side.record.gallery:
            files = {what: side.folder / case.files[what] for what in PICTURES if what in case.files}
            if all(path.is_file() for path in files.values()):
                found[place[case.image]] = {what: str(path) for what, path in files.items()}
    return found
