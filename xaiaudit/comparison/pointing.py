"""The pointing game of both checkpoints on the same clean images, each map explaining its own model's decision."""

import numpy as np

from xaiaudit.comparison.paired_statistics import family, hits
from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.stored import Stored
from xaiaudit.comparison_record import PointingDifference
from xaiaudit.metrics.cases import select
from xaiaudit.records import EXTREMES, Extreme

SHOWN = ("lesion", "ring", "posterior", "any")


def no_pointing(pair: Pair) -> str:
    """Why hits cannot be compared; "" where they can."""
    old, new = (side.record.regions.tolerance_mm for side in (pair.before, pair.after))
    if old != new:
        return f"the tolerance is {old:g} mm in one audit and {new:g} mm in the other"
    return ""


def pointing_differences(pair: Pair, before: Stored, after: Stored) -> list[PointingDifference]:
    """One a region and extreme, Holm over them; none without a lesion whose map is defined.

    Of images whose regions are known and whose map is defined in either audit: an undefined map is a miss, so that a
    model whose maps vanish does not look better.
    """
    chance = after.rows.floats("chance_any")
    among = ~np.isnan(chance) & (before.defined | after.defined)
    if not among.any():
        return []
    extremes: tuple[Extreme, ...] = EXTREMES if after.explainer.signed else ("maximum",)
    cases, found = select(pair.cases, among), []
    for region in SHOWN:
        for extreme in extremes:
            was, now = (
                np.nan_to_num(item.rows.floats(f"{extreme}_in_{region}"))[among] for item in (before, after)
            )
            found.append((region, extreme, hits(f"{extreme} in {region}", was, now, cases)))
    adjusted = family(statistic for _, _, statistic in found)
    return [
        PointingDifference(
            region=region,
            extreme=extreme,
            hits=statistic,
            chance_uniform=_chance(after, region, extreme, among),
        )
        for (region, extreme, _), statistic in zip(found, adjusted, strict=True)
    ]


def _chance(after: Stored, region: str, extreme: Extreme, among: np.ndarray) -> float:
    """Of a point drawn uniformly, or of two points for either extreme."""
    inside = after.rows.floats(f"chance_{region}")[among]
    return float((1 - (1 - inside) ** 2 if extreme == "either" else inside).mean())
