"""Whether map and predicted mask agree before and after each attack, by the columns of the map rows."""

import numpy as np

from xaiaudit.auditing.outline_statistics import has_masks
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import AgreementRecord, MaskAgreement
from xaiaudit.rows import Rows
from xaiaudit.types import Vector

TARGET = "own"  # the map that a reader would see beside the decision


def agreement_records(tables: Tables) -> list[AgreementRecord]:
    """One record an attack and explainer; none without a mask head or without maps."""
    if not has_masks(tables):
        return []
    return [
        _record(
            attack.id, tables.map("none", explainer.id, TARGET), tables.map(attack.id, explainer.id, TARGET)
        )
        for attack in tables.plan.attacks
        for explainer in tables.plan.explainers
    ]


def _record(attack_id: str, before: Rows, after: Rows) -> AgreementRecord:
    areas = before.floats("own_mask_area"), after.floats("own_mask_area")
    change = after.floats("own_mask_share") - before.floats("own_mask_share")
    return AgreementRecord(
        attack_id=attack_id,
        explainer_id=before.strings("explainer_id")[0],
        images=len(change),
        clean=_state(before, "own_mask", areas[0]),
        attacked=_state(after, "own_mask", areas[1]),
        apart=_state(after, "clean_mask", areas[0]),
        energy_change=bootstrap(change, before.cases) if np.isfinite(change).any() else None,
    )


def _state(maps: Rows, mask: str, areas: Vector) -> MaskAgreement:
    """Maps and the masks that columns beginning with `mask` are about, whose areas these are."""
    return MaskAgreement(
        hits=proportion(np.nan_to_num(maps.floats(f"{mask}_hit"), nan=0.0), maps.cases),
        chance_uniform=float(areas.mean()),
        energy=distribution(maps.floats(f"{mask}_share"), maps.cases),
        undefined=int((~maps.flags("defined")).sum()),
        empty=int((areas == 0).sum()),
    )
