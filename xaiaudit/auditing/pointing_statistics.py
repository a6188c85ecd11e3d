"""From map rows to the pointing game: rates with intervals, beside what chance would give."""

from collections.abc import Sequence

import numpy as np

from xaiaudit.auditing.stored_maps import extreme_shares, unpacked_bits
from xaiaudit.metrics.bootstrap import distribution
from xaiaudit.metrics.chance import chance_of_extremes
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import EXTREMES, REGIONS, Interval, PointingCell, PointingRecord
from xaiaudit.rows import Rows

POINTED = ("lesion", "ring", "posterior", "elsewhere", "any")


def pointing_cells(rows: Rows, *, signed: bool, regions: Sequence[str] = POINTED) -> list[PointingCell]:
    """The pointing game on one state of the images, every region with every extreme of the map.

    Of images whose hit is known: a lesion, a defined map and, with a tolerance, a spacing.
    """
    shuffled = _shuffled(rows)
    cells = []
    for extreme in EXTREMES if signed else EXTREMES[:1]:
        for region in regions:
            hits = rows.floats(f"{extreme}_in_{region}")
            among = np.isfinite(hits)
            cells.append(
                PointingCell(
                    region=region,
                    extreme=extreme,
                    share=share(hits, among, rows.cases),
                    chance_uniform=_uniform(rows, region, extreme, among),
                    chance_shuffled=shuffled[f"{extreme}_in_{region}"],
                )
            )
    return cells


def pointing_records(before: Rows, after: Rows, *, signed: bool) -> list[PointingRecord]:
    """The same before and after an attack, of the images whose hit is known before."""
    records = []
    for cell in pointing_cells(before, signed=signed):
        key = f"{cell.extreme}_in_{cell.region}"
        among = np.isfinite(before.floats(key))
        lasting = np.nan_to_num(after.floats(key), nan=0.0)  # a map that vanished points nowhere
        energy = cell.region in REGIONS and cell.extreme == "maximum"
        records.append(
            PointingRecord(
                region=cell.region,
                extreme=cell.extreme,
                before=cell.share,
                after=share(lasting, among, before.cases),
                chance_uniform=cell.chance_uniform,
                chance_shuffled=cell.chance_shuffled,
                energy_before=distribution(before.floats(f"energy_{cell.region}"), before.cases)
                if energy
                else None,
                energy_after=distribution(after.floats(f"energy_{cell.region}"), before.cases)
                if energy
                else None,
            )
        )
    return records


def share(hits: np.ndarray, among: np.ndarray, cases: Sequence[str]) -> Interval:
    """Mean hit of the images in `among`, whose hits are known; a fraction where extremes are tied."""
    return proportion(hits[among], [case for case, keep in zip(cases, among, strict=True) if keep])


def _uniform(rows: Rows, region: str, extreme: str, among: np.ndarray) -> float | None:
    """Mean chance that a random point of the valid image (or one of two) is a hit."""
    chance = rows.floats(f"chance_{region}")[among]
    if extreme == "either":
        chance = 1 - (1 - chance) ** 2
    return float(chance.mean()) if chance.size else None


def _shuffled(rows: Rows) -> dict[str, float | None]:
    """On the stored grid, of at most 28 cells a side, with the extremes that the whole maps have."""
    if not len(rows.table):
        return dict.fromkeys((f"{extreme}_in_{region}" for extreme in EXTREMES for region in POINTED), None)
    grid = rows.table["grid_rows"][0].as_py(), rows.table["grid_columns"][0].as_py()
    highest, lowest = (
        extreme_shares(rows.table[name].to_pylist(), grid[0] * grid[1])
        for name in ("maximum_cells", "minimum_cells")
    )
    inside = unpacked_bits(rows.stacked("inside"), np.isfinite(rows.floats("chance_any")))
    chance = chance_of_extremes(highest, lowest, inside)
    return {key: None if np.isnan(value) else float(value) for key, value in chance.items()}
