"""What becomes of the mask that a model draws: the columns of predictions.parquet that only a mask head fills."""

from typing import Any

from xaiaudit.auditing.cells import none_if_nan
from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.metrics.segmentation import dice, iou_from_dice
from xaiaudit.types import Masks

COLUMNS = ("jsi", "mask_overlap", "mask_drawn", "outlined_lesion")


def on_image(loaded: Loaded, judged: Judged) -> Masks | None:
    """(n, h, w) the masks that the model draws, on real pixels; None without a mask head."""
    return None if judged.drawn is None else judged.drawn & loaded.valid[:, 0].cpu().numpy()


def outline_columns(loaded: Loaded, clean: Judged, judged: Judged) -> dict[str, list[Any]]:
    """Each of `COLUMNS`, one value an image; all null without a mask head.

    `mask_overlap` is the Dice score of the mask with the one drawn on the clean image, which needs no outline: 0 where
    a mask vanishes or appears, 1 for an unchanged mask, null where neither image has any. For it and for `mask_drawn`
    what lies on padding is no part of a mask, as for regions; `jsi` is of the whole grid, as Dice is everywhere. An
    image has an `outlined_lesion` where its outline is known and not empty, null where none is known.
    """
    drawn, before = on_image(loaded, judged), on_image(loaded, clean)
    if drawn is None or before is None:
        return {name: [None] * len(judged.decision) for name in COLUMNS}
    return {
        "jsi": [none_if_nan(value) for value in iou_from_dice(judged.dice)],
        "mask_overlap": [none_if_nan(value) for value in dice(drawn, before)],
        "mask_drawn": [bool(mask.any()) for mask in drawn],
        "outlined_lesion": [
            bool(lesion) if known else None
            for known, lesion in zip(loaded.has_outline, loaded.has_lesion, strict=True)
        ],
    }
