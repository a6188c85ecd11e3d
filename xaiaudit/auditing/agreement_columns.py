"""Whether map and predicted mask agree: the columns of maps.parquet that only a mask head fills."""

import numpy as np

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.mask_agreement import mask_agreement
from xaiaudit.types import Cells

COLUMNS = ("own_mask_hit", "own_mask_share", "own_mask_area", "clean_mask_hit", "clean_mask_share")


def agreement_columns(
    loaded: Loaded,
    clean: Judged,
    judged: Judged,
    maps: np.ndarray,
    *,
    signed: bool,
    within: Cells | None = None,
) -> dict[str, np.ndarray]:
    """Each of `COLUMNS`, (n,), of maps of the judged images; NaN as for `mask_agreement`, all without a mask head.

    "own_mask" is the mask that the model draws on the image that the map is of, "clean_mask" the one that it draws on
    the clean image. Only real pixels count.
    """
    own, before = judged.drawn, clean.drawn
    if own is None or before is None:
        return dict.fromkeys(COLUMNS, np.full(len(maps), np.nan))
    valid = loaded.valid[:, 0].cpu().numpy()
    found = mask_agreement(maps, own, valid, signed=signed, within=within)
    first = found if judged is clean else mask_agreement(maps, before, valid, signed=signed, within=within)
    return dict(
        zip(COLUMNS, (found["hit"], found["share"], found["area"], first["hit"], first["share"]), strict=True)
    )
