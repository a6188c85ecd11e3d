"""What attacks do to the masks that a model draws, and whether its maps still lie in them: by hand on 2 x 2 masks."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from xaiaudit.auditing.agreement_columns import agreement_columns
from xaiaudit.auditing.agreement_statistics import agreement_records
from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.outline_columns import outline_columns
from xaiaudit.auditing.outline_statistics import outline_records
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.segmentation import dice

FULL, LEFT, RIGHT, TOP, CORNER, NONE = (
    np.array(mask, bool)
    for mask in (
        [[1, 1], [1, 1]], [[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1, 1], [0, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 0]],
    )
)  # fmt: skip
#            outline  clean   attacked  Dice before  after  overlap with the clean mask
IMAGES = (
    (LEFT,   LEFT,   CORNER),  # 1       2/3     2/3
    (LEFT,   TOP,    NONE),    # 1/2     0       0: vanished
    (LEFT,   NONE,   LEFT),    # 0       1       0: appeared
    (LEFT,   FULL,   FULL),    # 2/3     2/3     1
    (NONE,   NONE,   NONE),    # a known empty outline and nothing drawn: no score at all
    (NONE,   RIGHT,  RIGHT),   # drawn where no lesion is: of no image with a lesion
    (None,   LEFT,   RIGHT),   # no outline is known; the masks do not meet
)  # fmt: skip
N = len(IMAGES)


def judged(masks: list[np.ndarray], outlines: list[np.ndarray | None]) -> Judged:
    drawn = np.stack(masks)
    known = np.array([outline is not None for outline in outlines])
    truth = np.stack([NONE if outline is None else outline for outline in outlines])
    return Judged(
        logits=np.zeros((len(masks), 2), np.float32),
        margin=np.zeros(len(masks)),
        decision=np.zeros(len(masks), np.int64),
        dice=dice(drawn, truth, known),
        mask_logits=torch.from_numpy(np.where(drawn, 0.0, -1.0))[:, None],  # a logit of exactly 0 is drawn
    )


def loaded() -> Any:
    known = np.array([outline is not None for outline, _, _ in IMAGES])
    lesion = np.array([outline is not None and outline.any() for outline, _, _ in IMAGES])
    return SimpleNamespace(
        has_outline=known, has_lesion=lesion, valid=torch.ones((N, 1, 2, 2), dtype=torch.bool)
    )


OUTLINES = [outline for outline, _, _ in IMAGES]
CLEAN = judged([clean for _, clean, _ in IMAGES], OUTLINES)
ATTACKED = judged([after for _, _, after in IMAGES], OUTLINES)


def prediction_table(
    columns: dict[str, list[Any]], judge: Judged, attack_id: str, *, quantised: bool
) -> pa.Table:
    types = {
        "jsi": pa.float64(),
        "mask_overlap": pa.float64(),
        "mask_drawn": pa.bool_(),
        "outlined_lesion": pa.bool_(),
    }
    return pa.table(
        {
            "attack_id": [attack_id] * N,
            "quantised": [quantised] * N,
            "curve": [False] * N,
            "case": [str(i) for i in range(N)],
            "dice": pa.array([None if np.isnan(value) else value for value in judge.dice], pa.float64()),
            **{name: pa.array(values, types[name]) for name, values in columns.items()},
        }
    )


def tables(clean: Judged, after: Judged, maps: pa.Table | None = None) -> Tables:
    plan: Any = SimpleNamespace(
        attacks=[SimpleNamespace(id="some")], explainers=[SimpleNamespace(id="grad-cam")]
    )
    first = outline_columns(loaded(), clean, clean)
    then = outline_columns(loaded(), clean, after)
    predictions = pa.concat_tables(
        [
            prediction_table(first, clean, "none", quantised=False),
            prediction_table(then, after, "some", quantised=False),
            prediction_table(first, clean, "some", quantised=True),  # rounding undoes the attack
        ]
    )
    return Tables(plan, predictions, pa.table({}) if maps is None else maps)


def test_overlap_with_the_clean_mask_needs_no_outline() -> None:
    columns = outline_columns(loaded(), CLEAN, ATTACKED)
    assert columns["mask_overlap"] == pytest.approx([2 / 3, 0, 0, 1, None, 1, 0])
    assert columns["mask_drawn"] == [True, False, True, True, False, True, True]
    assert columns["outlined_lesion"] == [True, True, True, True, False, False, None]
    assert columns["jsi"] == pytest.approx([1 / 2, 0, 1, 1 / 2, None, 0, None])
    assert outline_columns(loaded(), CLEAN, CLEAN)["mask_overlap"] == pytest.approx(
        [1, 1, None, 1, None, 1, 1]
    )


def test_what_is_drawn_on_padding_is_no_mask() -> None:
    padded = loaded()
    padded.valid[:, :, :, 1] = False  # the right column
    columns = outline_columns(padded, CLEAN, ATTACKED)
    # of the image that draws beside the lesion nothing is left, clean or attacked; of the last, only the clean mask
    assert columns["mask_drawn"] == [True, False, True, True, False, False, False]
    assert columns["mask_overlap"] == pytest.approx([2 / 3, 0, 0, 1, None, None, 0])


def test_dice_before_and_after_is_of_images_with_a_lesion_and_paired() -> None:
    (record,) = outline_records(tables(CLEAN, ATTACKED))
    assert (record.images, record.with_lesion) == (7, 4)
    assert record.clean.dice.estimate == pytest.approx((1 + 1 / 2 + 0 + 2 / 3) / 4)
    assert record.clean.jsi.estimate == pytest.approx((1 + 1 / 3 + 0 + 1 / 2) / 4)
    assert record.attacked.dice.estimate == pytest.approx((2 / 3 + 0 + 1 + 2 / 3) / 4)
    assert record.attacked.dice_drop.estimate == pytest.approx((1 / 3 + 1 / 2 - 1 + 0) / 4)
    assert record.attacked.jsi_drop.estimate == pytest.approx((1 / 2 + 1 / 3 - 1 + 0) / 4)
    assert record.attacked.dice.n == record.attacked.dice.cases == 4
    assert (
        record.attacked.dice_drop.low <= record.attacked.dice_drop.estimate <= record.attacked.dice_drop.high
    )


def test_masks_that_vanish_or_appear_are_counted_and_two_empty_ones_say_nothing() -> None:
    (record,) = outline_records(tables(CLEAN, ATTACKED))
    assert (record.clean.drawn, record.attacked.drawn) == (5, 5)
    assert (record.attacked.vanished, record.attacked.appeared) == (1, 1)
    assert record.attacked.overlap.n == 6  # image 4 draws nothing, before and after
    assert record.attacked.overlap.estimate == pytest.approx((2 / 3 + 0 + 0 + 1 + 1 + 0) / 6)
    assert (record.clean.overlap, record.clean.dice_drop, record.clean.vanished) == (None, None, None)


def test_rounding_is_told_apart() -> None:
    (record,) = outline_records(tables(CLEAN, ATTACKED))
    assert record.rounded.dice.estimate == record.clean.dice.estimate
    assert record.rounded.dice_drop.estimate == 0
    assert record.rounded.overlap.estimate == 1
    assert (record.rounded.vanished, record.rounded.appeared) == (0, 0)


def test_without_a_lesion_there_is_no_dice_and_without_a_mask_head_nothing_at_all() -> None:
    masks = [clean for _, clean, _ in IMAGES]
    plain = replace(judged(masks, OUTLINES), mask_logits=None, dice=np.full(N, np.nan))
    assert all(
        value is None for values in outline_columns(loaded(), plain, plain).values() for value in values
    )
    assert outline_records(tables(plain, plain)) == []
    assert agreement_records(tables(plain, plain)) == []
    unknown = judged(masks, [None] * N)
    without = SimpleNamespace(
        **(vars(loaded()) | {"has_outline": np.zeros(N, bool), "has_lesion": np.zeros(N, bool)})
    )
    columns = outline_columns(without, unknown, unknown)  # type: ignore[arg-type]
    assert columns["outlined_lesion"] == [None] * N
    found = tables(CLEAN, ATTACKED)
    table = found.predictions.set_column(
        found.predictions.schema.get_field_index("outlined_lesion"),
        "outlined_lesion",
        pa.array([False] * 3 * N, pa.bool_()),
    )
    (record,) = outline_records(Tables(found.plan, table, found.maps))
    assert record.with_lesion == 0
    assert (record.clean.dice, record.attacked.dice_drop, record.attacked.jsi) == (None, None, None)
    assert record.attacked.overlap is not None


# Map and mask

BEFORE = np.array([[[4, 0], [0, 0]]] * N, float)  # the maximum lies in the upper left corner
AFTER = np.array([[[1, 3], [0, 0]]] * N, float)  # and then in the upper right one
AFTER[5] = 0  # no map at all


def map_table() -> pa.Table:
    parts = []
    for attack_id, judge, maps in (("none", CLEAN, BEFORE), ("some", ATTACKED, AFTER)):
        columns = agreement_columns(loaded(), CLEAN, judge, maps, signed=False)
        parts.append(
            pa.table(
                {
                    "attack_id": [attack_id] * N,
                    "explainer_id": ["grad-cam"] * N,
                    "target": ["own"] * N,
                    "case": [str(i) for i in range(N)],
                    "defined": (maps.max((1, 2)) > 0).tolist(),
                    **{
                        name: pa.array([None if np.isnan(value) else value for value in values], pa.float64())
                        for name, values in columns.items()
                    },
                }
            )
        )
    return pa.concat_tables(parts)


def test_a_map_is_held_against_the_mask_of_its_own_image_and_of_the_clean_one() -> None:
    columns = agreement_columns(loaded(), CLEAN, ATTACKED, AFTER, signed=False)
    #                                        corner none    left full none    no map right
    np.testing.assert_equal(columns["own_mask_hit"], [0, np.nan, 0, 1, np.nan, np.nan, 1])
    np.testing.assert_allclose(columns["own_mask_share"], [0.25, np.nan, 0.25, 1, np.nan, np.nan, 0.75])
    np.testing.assert_equal(columns["own_mask_area"], [0.25, 0, 0.5, 1, 0, 0.5, 0.5])
    #                                          left top none    full none    no map left
    np.testing.assert_equal(columns["clean_mask_hit"], [0, 1, np.nan, 1, np.nan, np.nan, 0])
    np.testing.assert_allclose(columns["clean_mask_share"], [0.25, 1, np.nan, 1, np.nan, np.nan, 0.25])


def test_undefined_maps_and_empty_masks_are_counted_and_never_a_hit() -> None:
    (record,) = agreement_records(tables(CLEAN, ATTACKED, map_table()))
    assert record.images == 7
    # clean masks with the upper left corner: left, top, full, and left again
    assert record.clean.hits.estimate == pytest.approx(4 / 7)
    assert (record.clean.undefined, record.clean.empty) == (0, 2)
    assert record.clean.chance_uniform == pytest.approx((0.5 + 0.5 + 0 + 1 + 0 + 0.5 + 0.5) / 7)
    assert record.attacked.hits.estimate == pytest.approx(2 / 7)
    assert (record.attacked.undefined, record.attacked.empty) == (1, 2)
    assert record.attacked.chance_uniform == pytest.approx((0.25 + 0 + 0.5 + 1 + 0 + 0.5 + 0.5) / 7)
    assert record.apart.hits.estimate == pytest.approx(2 / 7)
    assert (record.apart.undefined, record.apart.empty) == (1, 2)
    assert record.attacked.hits.n == record.clean.hits.n == 7
    assert record.attacked.energy.n == 4
    assert record.attacked.energy.median == pytest.approx(0.5)  # of 0.25, 0.25, 0.75 and 1
    # images with a share before and after: left 1 to 0.25, full 1 to 1, left and right 1 to 0.75
    assert record.energy_change.n == 3
    assert record.energy_change.estimate == pytest.approx((-0.75 + 0 - 0.25) / 3)
