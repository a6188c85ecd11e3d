"""The clean maps of one explainer as both audits stored them, on the images that both decide alike."""

from dataclasses import dataclass

import numpy as np

from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.sides import Order, Side
from xaiaudit.metrics.map_shift import Field, top_counts
from xaiaudit.records import REGIONS, ExplainerRecord
from xaiaudit.rows import Rows
from xaiaudit.types import Cells, Flags, Maps

Matched = list[tuple[ExplainerRecord, ExplainerRecord]]
LAYER = "layer"  # the parameter that says where an explainer looks
OF_PIXELS = "image"  # the layer of an explainer whose cells are pixels


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows and maps of one audit, one an image."""

    explainer: ExplainerRecord
    rows: Rows
    maps: Maps  # raw, on the stored grid
    defined: Flags  # the map as it was computed has an extreme
    peaks: Order  # stored cell of its maximum, the first of tied ones; -1 where undefined

    @property
    def grid(self) -> tuple[int, int]:
        return self.maps.shape[1], self.maps.shape[2]

    @property
    def whole(self) -> bool:
        """No coarser than the map that was computed."""
        return self.grid == self.explainer.grid

    def told(self) -> Cells | None:
        """The cells that the map says something of, as `auditing.told` has it; None: all."""
        if self.explainer.layer != OF_PIXELS:
            return None
        return np.asarray(self.rows.stacked("cells").reshape(self.maps.shape) != REGIONS.index("padding"))


def stored(side: Side, explainer: ExplainerRecord) -> Stored:
    rows = side.map(explainer.id)
    grid = rows.table["grid_rows"][0].as_py(), rows.table["grid_columns"][0].as_py()
    scaled = rows.stacked("map").astype(np.float64) * rows.floats("map_scale")[:, None]
    first = [cells[0] if cells else -1 for cells in rows.table["maximum_cells"].to_pylist()]
    return Stored(
        explainer=explainer,
        rows=rows,
        maps=scaled.reshape(-1, *grid),
        defined=rows.flags("defined"),
        peaks=np.array(first, np.int64),
    )


def field(pair: Pair) -> Field:
    """Of the images, as the newer audit recorded it; it is the same in both."""
    rows = pair.after.map(pair.after.record.explainers[0].id)
    nothing = (float("nan"), float("nan"))
    spacing = [tuple(known or nothing) for known in rows.table["spacing"].to_pylist()]
    size = int(pair.after.record.checkpoint.preprocessing["size"])
    counts = (rows.floats(name).astype(np.int64) for name in ("lesion_pixels", "valid_pixels"))
    return Field(
        shape=(size, size),
        diagonal=rows.floats("diagonal"),
        top=top_counts(*counts),
        spacing=np.array(spacing, np.float64).reshape(-1, 2),
    )


def field_at(whole: Field, which: Flags) -> Field:
    """Of some of the images."""
    return Field(
        shape=whole.shape,
        diagonal=whole.diagonal[which],
        top=whole.top[which],
        spacing=whole.spacing[which],
    )


def matched_explainers(pair: Pair) -> tuple[Matched, list[str]]:
    """Explainers of one name, layer and parameters, older first, and a sentence on each of the others.

    Networks of different architectures name their layers differently: of these the only explainers with otherwise equal
    parameters are a match too. In one architecture another layer is another explainer.
    """
    old, new = list(pair.before.record.explainers), list(pair.after.record.explainers)
    architectures = {side.record.checkpoint.architecture for side in (pair.before, pair.after)}
    matched: Matched = []
    for same in (_with_its_layer, _but_for_the_layer)[: len(architectures)]:
        for two in list(new):
            candidates = [one for one in old if same(one) == same(two)]
            if len(candidates) == 1 and sum(same(other) == same(two) for other in new) == 1:
                matched.append((candidates[0], two))
                old.remove(candidates[0])
                new.remove(two)
    order = [item.id for item in pair.after.record.explainers]
    matched.sort(key=lambda both: order.index(both[1].id))
    said = [
        f"explainer {item.id} of {item.layer}: in the {which} audit alone, or with another layer or other parameters"
        for which, left in (("older", old), ("newer", new))
        for item in left
    ]
    return matched, said


def _with_its_layer(explainer: ExplainerRecord) -> object:
    """The layer that it looks at, named by the user or found."""
    return explainer.layer, _but_for_the_layer(explainer)


def _but_for_the_layer(explainer: ExplainerRecord) -> object:
    return explainer.name, {key: value for key, value in explainer.parameters.items() if key != LAYER}
