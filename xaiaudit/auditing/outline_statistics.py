"""What each attack did to the masks that a model draws, by the columns of the prediction rows."""

import numpy as np

from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import select
from xaiaudit.records import Interval, MaskState, OutlineRecord
from xaiaudit.rows import Rows
from xaiaudit.types import Flags, Vector


def outline_records(tables: Tables) -> list[OutlineRecord]:
    """One record an attack; none without a mask head."""
    clean = tables.clean
    if not has_masks(tables):
        return []
    lesion = known_true(clean, "outlined_lesion")
    return [
        OutlineRecord(
            attack_id=planned.id,
            images=len(lesion),
            with_lesion=int(lesion.sum()),
            clean=_state(clean, None, lesion),
            attacked=_state(tables.prediction(planned.id), clean, lesion),
            rounded=_state(tables.prediction(planned.id, quantised=True), clean, lesion),
        )
        for planned in tables.plan.attacks
    ]


def has_masks(tables: Tables) -> bool:
    """The model has a mask head, whether it draws anything or not."""
    return bool(tables.clean.table["mask_drawn"].null_count == 0)


def known_true(rows: Rows, name: str) -> Flags:
    """(n,) bool of a column that may be null; null is False."""
    return np.asarray(rows.floats(name) == 1)


def _state(rows: Rows, clean: Rows | None, lesion: Flags) -> MaskState:
    """Of the masks in `rows`, beside those of the clean images; `clean` None: of the clean images themselves."""
    drawn, every = known_true(rows, "mask_drawn"), np.ones_like(lesion)
    dice, jsi = rows.floats("dice"), rows.floats("jsi")
    found = MaskState(dice=_mean(dice, rows, lesion), jsi=_mean(jsi, rows, lesion), drawn=int(drawn.sum()))
    if clean is None:
        return found
    before = known_true(clean, "mask_drawn")
    against = {
        "dice_drop": _mean(clean.floats("dice") - dice, rows, lesion),
        "jsi_drop": _mean(clean.floats("jsi") - jsi, rows, lesion),
        "overlap": _mean(rows.floats("mask_overlap"), rows, every),
        "vanished": int((before & ~drawn).sum()),
        "appeared": int((drawn & ~before).sum()),
    }
    return found.model_copy(update=against)


def _mean(values: Vector, rows: Rows, among: Flags) -> Interval | None:
    """The mean with its case-level interval; None where no value is defined."""
    among = among & np.isfinite(values)
    return bootstrap(values[among], select(rows.cases, among)) if among.any() else None
