"""What the report and the terminal say of drawn outlines, in every state that an audit can find them in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from xaiaudit.records import Interval, MaskState, OutlineRecord
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Canvas, Picture, Table, Text
from xaiaudit.reports.figures.panels import PREDICTED, outline_panel
from xaiaudit.reports.format import NBSP
from xaiaudit.reports.reading import LESION_COLUMN, Audit, read_audit
from xaiaudit.reports.sections.outlines import outlines
from xaiaudit.reports.sections.verdict import verdict


def mean(value: float) -> Interval:
    return Interval(estimate=value, low=value - 0.1, high=value + 0.1, n=9, cases=9, method="")


def record(
    attack_id: str = "fgsm", *, dice: float | None = 0.4, overlap: float | None = 0.3
) -> OutlineRecord:
    clean = MaskState(dice=None, jsi=None, drawn=0 if overlap is None else 9)
    after = clean.model_copy(update={"vanished": 0, "appeared": 0})
    if overlap is not None:
        after = after.model_copy(update={"overlap": mean(overlap), "vanished": 1, "appeared": 2})
    if dice is not None:
        clean = clean.model_copy(update={"dice": mean(0.7), "jsi": mean(0.5)})
        after = after.model_copy(update={"dice": mean(dice), "jsi": mean(0.3), "dice_drop": mean(0.7 - dice)})
    lesions = 0 if dice is None else 9
    return OutlineRecord(
        attack_id=attack_id, images=24, with_lesion=lesions, clean=clean, attacked=after, rounded=after
    )


def changed(folder: Path, records: list[OutlineRecord], *, diagnoses: bool = True) -> Audit:
    """The example, as if its model drew masks."""
    audit = read_audit(folder)
    n = audit.predictions.num_rows
    table = audit.predictions.drop_columns(
        [c for c in (LESION_COLUMN, "dice") if c in audit.predictions.column_names]
    )
    table = table.append_column(LESION_COLUMN, pa.array([True] * n))
    table = table.append_column("dice", pa.array(np.linspace(0, 1, n)))
    checkpoint = audit.record.checkpoint.model_copy(update={"diagnoses": diagnoses})
    given = {"outlines": records, "checkpoint": checkpoint}
    if not diagnoses:
        given["attacks"] = [
            a.model_copy(update={"assessable": False, "why_not": "so"}) for a in audit.record.attacks
        ]
    return replace(audit, predictions=table, record=audit.record.model_copy(update=given))


def test_what_cannot_be_said_is_left_out() -> None:
    assert words.outline(record(dice=None, overlap=None)) == "no mask was drawn, clean or attacked"
    told = words.outline(record(dice=None)).replace(NBSP, " ")
    assert told == "overlap with the clean mask 0.30 (0.20 to 0.40); 1 mask vanished, 2 appeared"
    told = words.outline(record()).replace(NBSP, " ")
    assert told.startswith(
        "Dice 0.70, attacked 0.40: a drop of 0.30 (0.20 to 0.40), after rounding to 8 bits 0.30"
    )


def test_every_attack_has_a_row_before_and_after_rounding(folder: Path, tmp_path: Path) -> None:
    audit = changed(folder, [record("fgsm"), record("pgd", dice=0.2)])
    section = outlines(audit, Canvas(folder=tmp_path))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    names = ["Clean", "fgsm", "the same, rounded to 8 bits", "pgd", "the same, rounded to 8 bits"]
    assert [row[0] for row in table.rows] == names
    assert [row[2].split(" ")[0] for row in table.rows] == ["0.70", "0.40", "0.40", "0.20", "0.20"]
    assert table.rows[1][-1] == "1, 2"
    (picture,) = [block for block in section.blocks if isinstance(block, Picture)]
    assert "pgd: clean 0.70" in picture.alt
    assert (tmp_path / picture.file).stat().st_size > 3000


def test_a_model_without_a_diagnosis_has_one_head(folder: Path, tmp_path: Path) -> None:
    audit = changed(folder, [record("fgsm")], diagnoses=False)
    lead, table = outlines(audit, Canvas(folder=tmp_path)).blocks[:2]
    assert lead.text.startswith("The model outlines and makes no diagnosis")
    assert table.caption == "The outline under each attack"


def test_without_an_outlined_lesion_there_is_no_picture_of_dice(folder: Path, tmp_path: Path) -> None:
    section = outlines(changed(folder, [record(dice=None)]), Canvas(folder=tmp_path))
    assert not any(isinstance(block, Picture) for block in section.blocks)
    assert any(
        isinstance(block, Text) and "no audited image has an outlined lesion" in block.text
        for block in section.blocks
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [record("fgsm"), record("pgd", dice=0.2)],
            "goes from 0.70 (0.60 to 0.80) to 0.20 (0.10 to 0.30) under pgd",
        ),
        (
            [record(dice=None), record("pgd", dice=None, overlap=0.2)],
            "keeps an overlap of 0.20 (0.10 to 0.30)",
        ),
        ([record(dice=None, overlap=None)], "outlines nothing in any image, clean or attacked"),
    ],
)
def test_a_model_without_a_diagnosis_is_headed_by_its_outline(
    folder: Path, tmp_path: Path, records: list[OutlineRecord], said: str
) -> None:
    lead = verdict(changed(folder, records, diagnoses=False), Canvas(folder=tmp_path)).blocks[1]
    assert isinstance(lead, Text)
    assert said in lead.text.replace(NBSP, " ")
    lead = verdict(changed(folder, records), Canvas(folder=tmp_path)).blocks[1]
    assert isinstance(lead, Text)
    assert "decisions flip" in lead.text


def test_the_two_outlines_differ_in_colour_and_in_dash() -> None:
    image = np.full((112, 112), 60, np.uint8)
    square = np.zeros((112, 112), bool)
    square[30:80, 30:80] = True
    other = np.roll(square, 20, axis=1)
    rgb = outline_panel(image, square, other)
    white, orange = (rgb == 255).all(2), (rgb == np.array(PREDICTED)).all(2)
    assert white.any()
    assert orange.any()
    assert not (rgb[: 25 * 4] != 60).any()
    left = other.repeat(4, 0).repeat(4, 1)
    edge = left[200].argmax() + 1  # along the left edge of the predicted outline
    along = orange[30 * 4 : 80 * 4, edge]
    assert along.any()
    assert not along.all()  # dashed
    assert white[30 * 4 + 20 : 80 * 4 - 20, 30 * 4 + 1].all()  # solid
    plain = outline_panel(image, None, np.zeros_like(square))
    assert (plain == 60).all()


def test_dashes_break_a_line_in_every_direction() -> None:
    """A diamond: along two of its sides stripes across the picture would break nothing, or everything."""
    rows, columns = np.indices((112, 112))
    diamond = np.abs(rows - 56) + np.abs(columns - 56) < 40
    rgb = outline_panel(np.full((112, 112), 60, np.uint8), None, diamond)
    orange = (rgb == np.array(PREDICTED)).all(2)
    whole = diamond.repeat(4, 0).repeat(4, 1)
    edge = whole & ~(
        np.roll(whole, 1, 0) & np.roll(whole, -1, 0) & np.roll(whole, 1, 1) & np.roll(whole, -1, 1)
    )
    for half in (slice(None, 224), slice(224, None)):
        for side in (slice(None, 224), slice(224, None)):
            share = orange[half, side][edge[half, side]].mean()
            assert 0.4 < share < 0.8
