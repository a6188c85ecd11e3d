"""The images whose maps drifted most, with both maps, so that a report needs neither audit's tables."""

from collections.abc import Iterator, Sequence

import numpy as np

from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.shifts import Shifts
from xaiaudit.comparison.stored import Stored
from xaiaudit.comparison_record import DriftCase, MapOf

SHOWN = 4  # images an explainer
PICTURES = ("clean", "mask", "valid")


def drift_cases(pair: Pair, maps: Sequence[tuple[Stored, Stored, Shifts]]) -> list[DriftCase]:
    """Of each explainer: vanished maps first, then by how far the mass centre went."""
    return [case for item in maps for case in _of_explainer(pair, *item)]


def _of_explainer(pair: Pair, before: Stored, after: Stored, found: Shifts) -> Iterator[DriftCase]:
    distance = np.where(found.vanished, np.inf, np.nan_to_num(found.values["mass_centre_diagonal"]))
    order = [i for i in np.argsort(-distance, kind="stable").tolist() if distance[i] > 0]
    labels = pair.after.clean().table["label"].to_pylist()
    decisions, spacings = pair.decisions()[1], after.rows.table["spacing"].to_pylist()
    for i in order[:SHOWN]:
        yield DriftCase(
            image=pair.names[i],
            explainer_id=after.explainer.id,
            label=labels[i],
            decision=pair.classes[decisions[i]],
            why=_why(found, i),
            before=_map(before, i),
            after=_map(after, i),
            pictures=_pictures(pair, i),
            spacing=None if spacings[i] is None else (spacings[i][0], spacings[i][1]),
        )


def _why(found: Shifts, i: int) -> str:
    if found.vanished[i]:
        return "the map vanished"
    mm, share = (found.values[f"mass_centre_{unit}"][i] for unit in ("mm", "diagonal"))
    far = f"{100 * share:.1f} % of the diagonal" if np.isnan(mm) else f"{mm:.1f} mm"
    left = "; its peak left lesion, ring and posterior region" if found.peak_left[i] else ""
    return f"the mass centre moved by {far}{left}"


def _map(item: Stored, i: int) -> MapOf:
    return MapOf(
        grid=item.grid,
        values=item.maps[i].ravel().tolist(),
        cells=item.rows.table["cells"][i].as_py(),
        peak=int(item.peaks[i]) if item.defined[i] else None,
    )


def _pictures(pair: Pair, i: int) -> dict[str, str]:
    """Of the image in the gallery of either audit; {} where neither shows it."""
    for side in (pair.after, pair.before):
        name = side.clean().table["image"][i].as_py()
        for case in side.record.gallery:
            files = {what: side.folder / case.files[what] for what in PICTURES if what in case.files}
            if case.image == name and all(path.is_file() for path in files.values()):
                return {what: str(path) for what, path in files.items()}
    return {}
