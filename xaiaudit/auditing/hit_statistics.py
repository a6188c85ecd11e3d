"""Do maps of right decisions point at the lesion more often than those of wrong ones?"""

import numpy as np

from xaiaudit.auditing.pointing_statistics import share
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.contrast import permutation, rate_difference
from xaiaudit.metrics.paired import holm
from xaiaudit.records import HitRelation
from xaiaudit.rows import Rows

RELATED = ("lesion", "ring", "posterior", "any")


def hit_relations(
    rows: Rows, explainer_id: str, labels: np.ndarray, decisions: np.ndarray
) -> list[HitRelation]:
    """Of clean rows of one explainer, the maximum in each region; images without a label take no part.

    Empty where no labelled image has a hit or a miss.
    """
    right = decisions == labels
    found = []
    for region in RELATED:
        hits = rows.floats(f"maximum_in_{region}")
        among = np.isfinite(hits) & (labels >= 0)
        if not among.any():
            return []
        of_right, of_wrong = (share(hits, among & of, rows.cases) for of in (right, ~right))
        cases = select(rows.cases, among)
        p = permutation(hits[among], right[among], cases)
        difference = rate_difference(of_right, of_wrong, cases=len(set(cases)))
        found.append((region, of_right, of_wrong, difference, p))
    adjusted = iter(holm([p for *_, p in found if p is not None]))
    return [
        HitRelation(
            explainer_id=explainer_id,
            region=region,
            extreme="maximum",
            right=of_right,
            wrong=of_wrong,
            difference=difference,
            p=None if p is None else next(adjusted),
        )
        for region, of_right, of_wrong, difference, p in found
    ]
