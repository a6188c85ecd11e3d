"""What the report says of a detector: section, figure, gallery, page and the one line of the light formats."""

import shutil
from pathlib import Path

import example_audit
import example_detector
import example_verdict
import numpy as np
import pyarrow.parquet as pq
import pytest

from xaiaudit.errors import AuditError
from xaiaudit.records import DetectionRecord, FrocPoint, Interval
from xaiaudit.reports import detection_words
from xaiaudit.reports.blocks import Canvas, Case, Picture, Table
from xaiaudit.reports.boxes import drawn
from xaiaudit.reports.card.section import section as card
from xaiaudit.reports.figures.boxes import SKY, boxes_panel
from xaiaudit.reports.figures.froc import CURVES, Panel, corners, draw_froc
from xaiaudit.reports.figures.panels import PREDICTED
from xaiaudit.reports.format import DASH, NBSP
from xaiaudit.reports.html.box_columns import box_columns, picture_boxes
from xaiaudit.reports.junit import junit
from xaiaudit.reports.markdown import summary_markdown
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.box_goals import box_goals
from xaiaudit.reports.sections.detection import detection, goal_panels
from xaiaudit.reports.sections.gallery import gallery
from xaiaudit.reports.tracking.statistics import statistics


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return read_audit(example_detector.build(tmp_path_factory.mktemp("detector")))


def tables(audit: Audit, where: Path) -> dict[str, Table]:
    section = detection(audit, Canvas(folder=where))
    assert section is not None
    return {block.caption: block for block in section.blocks if isinstance(block, Table)}


def test_other_models_have_none_of_it(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    assert detection(audit, Canvas(folder=tmp_path)) is None
    assert audit.gallery_boxes is None
    assert box_columns(audit, []) is None
    assert picture_boxes(audit, audit.record.gallery[0]) == {}
    assert "lesions found" not in summary_markdown(None, audit.record, folder).lower()


def test_figures_of_lesions_found_by_hand(found: Audit, tmp_path: Path) -> None:
    """12 images, one without a lesion, one unknown; every fourth lesion scores 0.4, all others over 0.78. `fgsm` halves
    these and doubles the 0.3 of the box beside."""
    rows = tables(found, tmp_path)["What boxes of a score of 0.5 or more find"].rows
    assert [(row[0], row[1].replace(NBSP, " "), row[3]) for row in rows] == [
        ("Clean", "7 of 10", "0.00"),
        ("fgsm", "0 of 10", "1.00"),
        ("pgd", "7 of 10", "0.00"),
        ("deepfool", "7 of 10", "0.00"),
    ]
    assert "1 image has a lesion that nobody outlined or boxed" in found_text(found, tmp_path)


def found_text(audit: Audit, where: Path) -> str:
    section = detection(audit, Canvas(folder=where))
    assert section is not None
    return getattr(section.blocks[0], "text", "").replace(NBSP, " ")


def test_froc_is_one_picture_with_the_clean_curve_beside_every_attack(found: Audit, tmp_path: Path) -> None:
    section = detection(found, Canvas(folder=tmp_path))
    assert section is not None
    (picture,) = [block for block in section.blocks if isinstance(block, Picture)]
    drawing = (tmp_path / picture.file).read_text()
    for title in ("Hide the lesion", "Flip the decision", "Invent a lesion"):
        assert f">{title}<" in drawing
    assert drawing.count(">clean<") == 3
    assert "fgsm" in picture.alt


def froc_record(share: float, false_marks: float) -> DetectionRecord:
    interval = Interval(estimate=share, low=None, high=None, n=9, cases=9, method="")
    points = [FrocPoint(false_marks=x, share=y) for x, y in ((0, 0), (0.0, share / 2), (false_marks, share))]
    return DetectionRecord(
        iou=0.2, images=9, unknown=0, lesions=9, score=0.5, found=interval, false_marks=false_marks, found_dice=None,
        dice_iou=0.4, shares={}, precision={}, by_iou={}, froc=points,
    )  # fmt: skip


def test_no_two_curves_of_a_panel_look_alike(tmp_path: Path) -> None:
    attacks = [(f"a{k}", froc_record(0.5, 1 + k)) for k in range(CURVES)]
    draw_froc(froc_record(0.9, 0.2), [Panel("Hide the lesion", attacks)], tmp_path / "froc.svg")
    drawing = (tmp_path / "froc.svg").read_text()
    colours = {part[:7] for part in drawing.split("stroke: #")[1:]}
    assert len(colours & {"1c1f26;", "c2492f;", "3fa798;", "dcae3c;", "77518f;", "6b7280;"}) == CURVES + 1
    assert "1f3a5f" not in drawing  # as dark as the clean curve's ink
    assert ">5<" in drawing  # an operating point beyond 4 false marks widens the axis


def test_many_attacks_with_one_goal_share_panels_evenly(found: Audit) -> None:
    source = found.record.attacks[0]
    six = [
        source.model_copy(update={"id": f"{name}-{k}", "name": name, "epsilon": k / 255})
        for k in (8, 1, 2)
        for name in ("pgd", "fgsm")
    ]
    first, second = goal_panels(six)
    assert [name for name, _ in first.attacks] == ["fgsm-1", "fgsm-2", "fgsm-8"]
    assert (second.title, len(second.attacks)) == ("Hide the lesion, 2 of 2", 3)
    assert goal_panels([]) == [Panel("", [])]


def test_a_curve_is_drawn_by_its_corners() -> None:
    places = [(0, 0), (0, 0.5), (1, 0.5), (2, 0.5), (2, 1), (3, 1), (4, 1)]
    points = [FrocPoint(false_marks=x, share=y) for x, y in places]
    assert [(p.false_marks, p.share) for p in corners(points)] == [(0, 0), (0, 0.5), (2, 1), (4, 1)]
    assert corners([]) == []


def test_goals_stand_together_in_their_order(found: Audit) -> None:
    attacks = found.record.attacks
    refused = attacks[2].model_copy(update={"assessable": False, "why_not": "so"})
    nothing = attacks[1].reached.model_copy(update={"estimate": None, "low": None, "high": None, "n": 0})
    idle = attacks[1].model_copy(update={"applicable": 0, "reached": nothing, "reached_quantised": nothing})
    (table,) = box_goals([refused, idle, attacks[0]])
    assert [row[0].split(":")[0] for row in table.rows] == [
        "Hide the lesion", "fgsm", "Flip the decision", "deepfool", "Invent a lesion", "pgd",
    ]  # fmt: skip
    assert table.rows[1][2] == "12"
    assert table.rows[1][4].startswith("91.7")
    assert "not assessable" in table.rows[3]
    assert table.rows[5][2:] == ["0", DASH, DASH, DASH]
    assert box_goals([]) == []


def test_gallery_shows_boxes_and_says_what_became_of_them(found: Audit, tmp_path: Path) -> None:
    case = next(block for block in gallery(found, Canvas(folder=tmp_path)).blocks if isinstance(block, Case))
    at = case.columns.index("Boxes")
    assert all(row.panels[at] is not None for row in case.rows)
    hidden = next(row for row in case.rows if row.title.startswith("fgsm"))
    assert "lesions found 1 → 0 of 1; false marks 0 → 1" in hidden.caption
    assert "1 box around lesions, 1 drawn clean, 1 attacked" in hidden.panels[at].alt.replace(NBSP, " ")  # type: ignore[union-attr]


def test_boxes_differ_in_colour_and_in_dash() -> None:
    image = np.full((112, 112), 60, np.uint8)
    box, none = np.array([[20.0, 30.0, 80.0, 70.0]]), np.zeros((0, 4))
    where = (slice(30 * 4 + 1, 30 * 4 + 2), slice(24 * 4, 76 * 4))  # along the upper edge
    shares = []
    for boxes, colour in (
        ((box, none, none), (255,) * 3),
        ((none, box, none), SKY),
        ((none, none, box), PREDICTED),
    ):
        rgb = boxes_panel(image, *boxes)
        shares.append(float((rgb[where] == np.array(colour)).all(2).mean()))
        assert (rgb[100 * 4 :] == 60).all()
    assert shares == pytest.approx([1, 2 / 3, 1 / 2], abs=0.06)
    both = boxes_panel(image, none, box, box)[where]  # of equal boxes each is seen
    assert (both == np.array(SKY)).all(2).mean() > 0.2
    assert (both == np.array(PREDICTED)).all(2).mean() > 0.4
    outside = boxes_panel(image, none, np.array([[-9.0, -9.0, 0.0, 0.0], [110.0, 5.0, 130.0, 9.0]]), none)
    assert (outside[: 4 * 4, : 100 * 4] == 60).all()
    assert (outside[5 * 4 + 1, 111 * 4] == np.array(SKY)).all()


def test_a_box_without_a_known_lesion_is_neither_hit_nor_false() -> None:
    row = {"boxes": [0, 0, 9, 9, 0.75, 1, 1, 1, 5, 5, 0.25, 0], "true_boxes": None}
    own, record = drawn(row), froc_record(0.5, 1.0)
    assert own.found(record) is None
    assert own.false_marks(record) is None
    assert own.counting(0.5).tolist() == [[0, 0, 9, 9]]
    assert own.likeliest(["benign", "malignant"]) == f"malignant{NBSP}0.75"
    assert drawn({"boxes": [], "true_boxes": []}).likeliest(["benign", "malignant"]) == "none"
    assert drawn(row | {"true_boxes": [30, 30, 40, 40]}).false_marks(record) == 1
    assert drawn(row | {"true_boxes": [0, 0, 9, 8]}).found(record) == 1


def test_the_page_counts_by_image(found: Audit) -> None:
    example = example_audit.Example(12, 0, example_audit.SPACING)
    clean, fgsm, *_ = box_columns(found, example.names) or []
    expected = [0 if k % 4 == 3 else 1 for k in range(12)]
    expected[example_detector.UNKNOWN], expected[example_detector.NORMAL] = None, 0  # type: ignore[call-overload]
    assert clean["found"] == expected
    assert clean["lesions"][example_detector.UNKNOWN] is None
    assert clean["lesions"][example_detector.NORMAL] == 0
    assert fgsm["falseMarks"] == [None if k == example_detector.UNKNOWN else 1 for k in range(12)]
    case = next(case for case in found.record.gallery if case.attack_id == "fgsm")
    boxes = picture_boxes(found, case)["boxes"]
    place = example.names.index(case.image)
    assert boxes["lesions"][0] == pytest.approx(example_detector.lesion_box(example, place), rel=1e-5)
    assert boxes["attacked"] == [[70, 80, 100, 105]]


def test_one_line_everywhere(found: Audit, folder: Path) -> None:
    said = detection_words.lesions_found(found.record)
    assert said is not None
    told = said.replace(NBSP, " ")
    assert told.startswith("clean 7 of 10, 70.0 %")
    assert "Fewest under fgsm 0 of 10, 0.0 %" in told
    assert summary_markdown(None, found.record, folder).count("| lesions found |") == 1
    assert card(found.record).count("Lesions found: clean 7 of 10") == 1
    verdict = example_verdict.verdict(folder, [])
    assert b'name="lesions_found"' in junit(verdict, found.record)
    assert b"lesions_found" not in junit(verdict, read_audit(folder).record)


def test_trackers_get_rates_but_no_curve(found: Audit) -> None:
    names = statistics(found.record)
    assert names["audit/clean/detection/found"] == pytest.approx(0.7)
    assert names["audit/attacks/fgsm/detection/false_marks"] == 1.0
    assert not any("froc" in name for name in names)


def test_an_audit_that_lost_its_boxes_is_refused(found: Audit, tmp_path: Path) -> None:
    lost = Path(shutil.copytree(found.folder, tmp_path / "lost"))
    path = lost / "predictions.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["boxes"]), path)
    with pytest.raises(AuditError, match="lacks the column 'boxes'"):
        read_audit(lost)
