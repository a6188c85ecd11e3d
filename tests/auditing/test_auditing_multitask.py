"""Multi-task networks and one that outlines alone, through the whole audit: both heads under attacks on either."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image
from small_models import train_small

import xaiaudit
from xaiaudit.auditing.selection import choose_data
from xaiaudit.cli import main
from xaiaudit.errors import UsageError
from xaiaudit.gate.quick import judge_flips
from xaiaudit.models import AuditedModel
from xaiaudit.records import AuditRecord
from xaiaudit.reports.blocks import Canvas, Picture, Table, Text
from xaiaudit.reports.pdf import document
from xaiaudit.reports.reading import read_audit
from xaiaudit.reports.sections.outlines import TITLE, outlines
from xaiaudit.reports.summary import summary

GOALS = ["leave-decision", "lower-dice", "joint"]


@pytest.fixture(scope="module")
def folder(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of a network with two heads."""
    out = tmp_path_factory.mktemp("two-heads")
    model = xaiaudit.load(train_small(phantoms, out / "mtl.pt", "thesis-mtl", epochs=2, backbone="small-cnn"))
    audited(model, out / "audit", criteria=GOALS, gallery=1)
    return out / "audit"


def audited(model: AuditedModel, out: Path, **options: object) -> AuditRecord:
    given = {"limit": 6, "curve": False, "checks": 0, "acquisition": ()} | options
    record = xaiaudit.audit(model, choose_data(model), ["fgsm:steps=3"], out=out, **given)  # type: ignore[arg-type]
    assert record is not None
    return record


def record_of(folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((folder / "audit.json").read_bytes())


def rows_of(
    folder: Path, attack_id: str, *, quantised: bool = False, table: str = "predictions"
) -> list[dict]:
    rows = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return [
        row for row in rows if row["attack_id"] == attack_id and row.get("quantised", quantised) == quantised
    ]


def test_dice_is_reported_before_and_after(folder: Path) -> None:
    record = record_of(folder)
    clean = [row["dice"] for row in rows_of(folder, "none")]
    assert record.clean.dice.estimate == pytest.approx(np.mean(clean))
    for item, drawn in zip(record.attacks, record.outlines, strict=True):
        after = [row["dice"] for row in rows_of(folder, item.id)]
        assert item.dice_after.estimate == pytest.approx(np.mean(after))
        assert item.dice_drop.estimate == pytest.approx(np.mean(clean) - np.mean(after))
        assert drawn.attack_id == item.id
        assert drawn.clean.dice == record.clean.dice  # every phantom shows a lesion
        assert drawn.attacked.dice_drop.estimate == pytest.approx(item.dice_drop.estimate)
        rounded = rows_of(folder, item.id, quantised=True)
        assert drawn.rounded.jsi.estimate == pytest.approx(np.mean([row["jsi"] for row in rounded]))


def test_an_attack_on_the_mask_moves_the_mask_and_its_cross_task_damage_is_told(folder: Path) -> None:
    record = record_of(folder)
    assert [item.id for item in record.attacks] == ["fgsm", "fgsm-lower-dice", "fgsm-joint"]
    for item, drawn in zip(record.attacks, record.outlines, strict=True):
        rows = rows_of(folder, item.id)
        overlap = [row["mask_overlap"] for row in rows if row["mask_overlap"] is not None]
        assert drawn.attacked.overlap.estimate == pytest.approx(np.mean(overlap))
        assert item.flips.estimate == pytest.approx(np.mean([row["flipped"] for row in rows]))
        gone = sum(
            was["mask_drawn"] and not now["mask_drawn"]
            for was, now in zip(rows_of(folder, "none"), rows, strict=True)
        )
        assert drawn.attacked.vanished == gone
    usual, masks, _ = (drawn.attacked.overlap.estimate for drawn in record.outlines)
    assert masks < usual  # an attack on the mask hurts it more than one on the decision
    for row in rows_of(
        folder, "fgsm-lower-dice"
    ):  # no padding here, so that the criterion sees the same masks
        assert row["reached"] == (row["applicable"] and row["mask_overlap"] < 0.5)


def test_map_and_mask_are_those_of_the_same_image(folder: Path) -> None:
    record = record_of(folder)
    assert [(item.attack_id, item.explainer_id) for item in record.agreement] == [
        (attack.id, explainer.id) for attack in record.attacks for explainer in record.explainers
    ]
    for item in record.agreement:
        before, after = (
            [
                row
                for row in rows_of(folder, attack_id, table="maps")
                if row["explainer_id"] == item.explainer_id and row["target"] == "own"
            ]
            for attack_id in ("none", item.attack_id)
        )
        for state, rows, mask in (
            (item.clean, before, "own"),
            (item.attacked, after, "own"),
            (item.apart, after, "clean"),
        ):
            hits = [row[f"{mask}_mask_hit"] or 0.0 for row in rows]
            assert state.hits.estimate == pytest.approx(np.mean(hits))
            assert state.hits.n == record.images
            assert state.undefined == sum(not row["defined"] for row in rows)
            shares = [row[f"{mask}_mask_share"] for row in rows if row[f"{mask}_mask_share"] is not None]
            assert state.energy.n == len(shares)
        assert [row["own_mask_hit"] for row in before] == [row["clean_mask_hit"] for row in before]


def test_the_gallery_holds_the_masks_that_were_drawn(folder: Path) -> None:
    for case in record_of(folder).gallery:
        for key, attack_id in (("predicted_clean", "none"), ("predicted", case.attack_id)):
            drawn = np.asarray(Image.open(folder / case.files[key])) > 127
            (row,) = [row for row in rows_of(folder, attack_id) if row["image"] == case.image]
            assert drawn.shape == (64, 64)
            assert drawn.any() == row["mask_drawn"]
            truth = np.asarray(Image.open(folder / case.files["mask"])) > 127
            assert 2 * (drawn & truth).sum() / (drawn.sum() + truth.sum()) == pytest.approx(row["dice"])


def test_the_worst_case_of_an_attack_on_the_mask_has_lost_most_of_it(folder: Path) -> None:
    cases = {(case.attack_id, case.kind): case.image for case in record_of(folder).gallery}
    rows = rows_of(folder, "fgsm-lower-dice")
    missed = {
        row["image"]
        for row in rows
        if row["label"] == row["decision_clean"] == "malignant" and row["flipped"]
    }
    left = {row["image"]: row["mask_overlap"] for row in rows if row["image"] in missed or not missed}
    assert cases["fgsm-lower-dice", "worst"] == min(left, key=lambda name: (left[name], name))


def test_the_report_shows_both_heads_and_the_terminal_tells_them(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    whole = document(audit, Canvas(folder=tmp_path))
    (section,) = [section for section in whole.sections if section.title == TITLE]
    heads, agree = (block for block in section.blocks if isinstance(block, Table))
    assert [row[0].replace("\u200b", "") for row in heads.rows][:3] == [
        "Clean",
        "fgsm",
        "the same, rounded to 8 bits",
    ]
    assert len(heads.rows) == 1 + 2 * 3
    assert len(agree.rows) == len(audit.record.explainers) * (1 + 2 * 3)
    (picture,) = [block for block in section.blocks if isinstance(block, Picture)]
    assert (tmp_path / picture.file).stat().st_size > 3000
    case = next(
        block for s in whole.sections if s.title == "Gallery" for block in s.blocks if block.kind == "case"
    )
    place = case.columns.index("Outlines")
    first = audit.record.gallery[0]
    (attacked,) = [row for row in case.rows if row.title.startswith(f"{first.attack_id}:")]
    rows = {
        row["attack_id"]: row
        for row in audit.predictions.to_pylist()
        if row["image"] == audit.record.gallery[0].image and not row["quantised"] and not row["curve"]
    }
    own = rows[audit.record.gallery[0].attack_id]
    assert (
        f"Dice {rows['none']['dice']:.2f} → {own['dice']:.2f}, overlap with the clean mask"
        in attacked.caption
    )
    assert all((tmp_path / row.panels[place].file).is_file() for row in case.rows)
    lines = summary(audit.record)
    (told,) = [line for line in lines if line.startswith("  fgsm-lower-dice  Dice")]
    assert "overlap with the clean mask" in told
    assert "vanished" in told
    assert any("lies in the mask drawn on the same image" in line for line in lines)


def test_without_a_mask_head_nothing_of_it_appears(audit_folder: Path, tmp_path: Path) -> None:
    audit = read_audit(audit_folder)
    assert (audit.record.outlines, audit.record.agreement) == ([], [])
    assert outlines(audit, Canvas(folder=tmp_path)) is None
    assert not any("utline" in line for line in summary(audit.record))
    for table in ("predictions", "maps"):
        columns = (
            ("jsi", "mask_overlap", "mask_drawn")
            if table == "predictions"
            else ("own_mask_hit", "own_mask_area")
        )
        rows = pq.read_table(audit_folder / f"{table}.parquet", columns=list(columns))
        assert all(rows[name].null_count == rows.num_rows for name in columns)
    assert all("predicted" not in case.files for case in audit.record.gallery)


def test_an_older_audit_reads_and_says_that_it_is_older(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "images").symlink_to(folder / "images")
    found = record_of(folder).model_dump(mode="json", exclude={"outlines", "agreement", "tables"})
    del found["checkpoint"]["diagnoses"]
    record = AuditRecord.model_validate(found)
    (old / "audit.json").write_text(record.model_dump_json(exclude={"outlines", "agreement"}))
    for name in ("predictions", "maps"):
        table = pq.read_table(folder / f"{name}.parquet")
        added = ("jsi", "mask_overlap", "mask_drawn", "outlined_lesion", "own_mask_hit")
        pq.write_table(
            table.drop_columns([c for c in added if c in table.column_names]), old / f"{name}.parquet"
        )
    section = outlines(read_audit(old), Canvas(folder=tmp_path))
    assert section is not None
    (why,) = section.blocks
    assert isinstance(why, Text)
    assert "before this was measured" in why.text


# A network that outlines and makes no diagnosis


@pytest.fixture(scope="module")
def outliner(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("seg") / "seg.pt"
    return train_small(phantoms, out, "thesis-seg", epochs=2, backbone="small-cnn")


def test_a_network_that_outlines_alone_is_attacked_through_its_mask(outliner: Path, tmp_path: Path) -> None:
    record = audited(xaiaudit.load(outliner), tmp_path / "a", checks=6)
    (item,) = record.attacks
    assert (item.id, item.criterion_name) == ("fgsm-lower-dice", "lower-dice")
    assert record.checkpoint.diagnoses is False
    assert record.clean.auc is None  # every image shows a lesion
    assert not item.assessable
    assert item.why_not.startswith("the model makes no diagnosis")
    (decides,) = [check for check in record.checks if check.name == "the model decides at all"]
    assert decides.status == "not assessable"
    assert "makes no diagnosis" in decides.words
    assert any("look at what becomes of its outline" in warning for warning in record.warnings)
    whole = document(read_audit(tmp_path / "a"), Canvas(folder=tmp_path))
    lead = whole.sections[0].blocks[1]  # below the mark of the verdict
    assert isinstance(lead, Text)
    assert lead.text.startswith("The Dice of the drawn outline goes from")
    clean = next(section for section in whole.sections if section.title == "Clean performance").blocks[0]
    assert isinstance(clean, Text)
    assert clean.text.startswith("The model makes no diagnosis")
    with pytest.raises(
        UsageError,
        match=r"add an attack that is, e.g. --method fgsm:epsilon=1/255 --criterion leave-decision",
    ):
        judge_flips(tmp_path / "a", 0.1)
    verdict = judge_flips(tmp_path / "a", 0.1, ["fgsm-lower-dice"])
    assert verdict.verdict == "not assessed"
    assert "makes no diagnosis" in verdict.findings[-1].words


def test_another_goal_of_it_is_asked_for_by_name(outliner: Path, tmp_path: Path) -> None:
    record = audited(xaiaudit.load(outliner), tmp_path / "a", criteria=["leave-decision"])
    (item,) = record.attacks
    assert (item.id, item.criterion_name) == ("fgsm", "leave-decision")
    # it loses the lesion where nothing is drawn any more
    rows = rows_of(tmp_path / "a", "fgsm")
    assert [row["decision"] == "lesion" for row in rows] == [row["mask_drawn"] for row in rows]


def test_the_command_line_takes_the_same_goal_by_default(outliner: Path, tmp_path: Path) -> None:
    words = [
        "attack",
        str(outliner),
        "--method",
        "fgsm:steps=1",
        "--limit",
        "2",
        "--out",
        str(tmp_path / "a"),
    ]
    told = CliRunner().invoke(main, [*words, "--no-curve", "--no-checks", "--no-acquisition", "--no-report"])
    assert told.exit_code == 0, told.output
    assert "fgsm-lower-dice  not assessable, because the model makes no diagnosis" in told.output
    assert [item.criterion_name for item in record_of(tmp_path / "a").attacks] == ["lower-dice"]


def test_it_is_evaluated_and_explained(outliner: Path, phantoms: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    measured = runner.invoke(main, ["evaluate", str(outliner)])
    assert measured.exit_code == 0, measured.output
    assert "Dice" in measured.output
    assert (
        "The model makes no diagnosis: all but Dice and JSI is of whether it outlines anything"
        in measured.output
    )
    image = sorted(phantoms.rglob("*.png"))[0]
    words = [
        "explain",
        str(outliner),
        str(image),
        "--explainer",
        "seg-grad-cam",
        "--out",
        str(tmp_path / "maps"),
    ]
    told = runner.invoke(main, words)
    assert told.exit_code == 0, told.output
    assert "lesion (probability of lesion" in told.output
