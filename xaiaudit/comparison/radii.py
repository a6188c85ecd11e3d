"""The smallest radius at which an attack reaches its goal, image by image, in both audits."""

import numpy as np

from xaiaudit.comparison.pairing import Pair
from xaiaudit.comparison.sides import Side
from xaiaudit.comparison_record import RadiusComparison
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.multiples import median_amount
from xaiaudit.metrics.paired import wilcoxon
from xaiaudit.records import AttackRecord
from xaiaudit.types import Vector


def radius_comparison(pair: Pair, old: AttackRecord, new: AttackRecord) -> RadiusComparison | None:
    """None where the attack has a radius and the two curves share none.

    The change is counted in doublings, because radii are tried at about every doubling and a step from 4 to 8 grey
    levels is no more than one from 1 to 2. An image that no radius reaches counts a doubling past the largest.
    """
    radii = shared_radii(old, new)
    if not radii and new.epsilon is not None:
        return None
    before, after = smallest_radii(pair.before, old, radii), smallest_radii(pair.after, new, radii)
    known = ~np.isnan(before) & ~np.isnan(after)
    was, now = (_doublings(values, radii)[known] for values in (before, after))
    cases = [case for case, there in zip(pair.cases, known, strict=True) if there]
    return RadiusComparison(
        radii=radii,
        images=int(known.sum()),
        left_out=int((~known).sum()),
        median_before=median_amount(before[known]),
        median_after=median_amount(after[known]),
        never_before=int(np.isinf(before[known]).sum()),
        never_after=int(np.isinf(after[known]).sum()),
        larger=int((now > was).sum()),
        smaller=int((now < was).sum()),
        equal=int((now == was).sum()),
        doublings=bootstrap(now - was, cases),
        p=wilcoxon(was, now, cases),
    )


def shared_radii(old: AttackRecord, new: AttackRecord) -> list[float]:
    """Of both curves; [] where one has none."""
    known = {point.epsilon for point in old.curve}
    return sorted(point.epsilon for point in new.curve if point.epsilon in known)


def smallest_radii(side: Side, attack: AttackRecord, radii: list[float]) -> Vector:
    """(n,) the smallest of `radii` that reaches the goal, infinite where none does.

    Without radii, what an attack that finds its own needed, NaN where it found nothing or had nothing to do. NaN where
    the goal is not asked of the image.
    """
    rows = side.attacked(attack.id)
    found = np.full(len(rows.table), np.inf)
    if radii:
        for radius in reversed(radii):
            found = np.where(side.attacked(attack.id, epsilon=radius).flags("reached"), radius, found)
    else:
        needed = rows.floats(attack.norm)
        found = np.where(rows.flags("reached") & (needed > 0), needed, np.nan)
    return np.where(rows.flags("applicable"), found, np.nan)


def _doublings(values: Vector, radii: list[float]) -> Vector:
    most = 2 * radii[-1] if radii else np.inf
    return np.asarray(np.log2(np.minimum(values, most)))
